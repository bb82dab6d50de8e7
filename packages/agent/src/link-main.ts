/** Composition root of the link process: real clock, sockets, spool and sampler, handed to the rooms that use them. */
import { connect } from 'node:net';
import { hostname, uptime } from 'node:os';
import { HaubanError } from '@hauban/shared/errors';
import { LIMITS } from '@hauban/shared/protocol';
import { loadKeyPair, systemClock, systemRandom } from '@hauban/link';
import { AGENT_VERSION, type AgentPaths } from './config.ts';
import { takeInventoryInChild } from './host/inventory-child.ts';
import {
  AreaFeed,
  AuditWitness,
  ClockOffset,
  ControllerKeys,
  createJoinLedger,
  createLinkKeyFiles,
  createWebSocketDial,
  ExecutorClient,
  InventoryFeed,
  KeyRotation,
  LinkKeeper,
  loadFormerLinkKeys,
  MetricsFeed,
  NodeLink,
  RecordingUpload,
  ShellRelay,
  watchAreas,
  watchConfigFiles,
  type LinkIdentity,
  type LinkLog,
} from './link/index.ts';
import { readBootId } from './proc/boot-id.ts';
import { createSampler } from './sampler/index.ts';
import { createSpool, zlibDeflate, type Spool } from './spool/index.ts';
import { createSlotFile } from './store/slot-file.ts';
import { loadControllerKeys, storeControllerKeys } from './store/controller-keys-file.ts';
import { loadKeptHead, storeKeptHead } from './store/audit-head-file.ts';
import { watchFolder } from './store/folder-watch.ts';
import { readRecordingChunk } from './store/recording-chunk-file.ts';
import { loadTrust } from './store/trust-file.ts';

export interface LinkProgram {
  readonly paths: AgentPaths;
  readonly log: LinkLog;
  /** This file's program, for the inventory's child. */
  readonly mainFile: string;
  /** Ends the process in order. */
  readonly stop: AbortSignal;
}

const clock = systemClock;
const random = systemRandom;

const notEnrolled = (paths: AgentPaths): HaubanError =>
  new HaubanError('CONFIG_BAD', `This node is not enrolled (${paths.trustFile}): run "hauban-agent enrol".`);

function loadIdentity(paths: AgentPaths): LinkIdentity {
  const trust = loadTrust(paths.trustFile);
  const key = loadKeyPair(paths.linkKeyFile);
  if (trust === null || key === null) throw notEnrolled(paths);
  return { ...trust, key, formerKeys: loadFormerLinkKeys(paths.linkKeyFile) };
}

function createControllerKeys(paths: AgentPaths, log: LinkLog): ControllerKeys {
  return new ControllerKeys({
    clock,
    log,
    pinned: () => {
      const trust = loadTrust(paths.trustFile);
      if (trust === null) throw notEnrolled(paths);
      const { controllerId, controllerKey, authorityKeys: root, authoritySteps: steps } = trust;
      return { controllerId, controllerKey, authority: { root, steps } };
    },
    load: () => loadControllerKeys(paths.controllerKeysFile),
    store: (keys) => storeControllerKeys(paths.controllerKeysFile, keys),
  });
}

/** The sampler and its way to the controller; they need each other, so one of them is told the other afterwards. */
function createMetrics(spool: Spool, boot: string, offset: ClockOffset, log: LinkLog) {
  let feed: MetricsFeed | null = null;
  const sampler = createSampler({
    clock,
    boot,
    spool,
    deflate: zlibDeflate,
    uid: process.getuid?.() ?? 0,
    clockOffsetMs: () => offset.offsetMs,
    cpuUs: () => {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
    rssBytes: () => process.memoryUsage.rss(),
    onSeriesList: () => feed?.newSeriesList(),
    onLiveFrame: (bytes) => feed?.liveFrame(bytes),
    onProblem: (detail, cause) => log.warn({ detail, err: cause }, 'metrics'),
  });
  feed = new MetricsFeed({ clock, log, spool }, sampler);
  spool.onChunk(() => feed.pump());
  return { sampler, feed };
}

/** Everything of the link process that is not metrics, tied together. */
function createLink(program: LinkProgram, spool: Spool, boot: string, metrics: MetricsFeed, clockOffset: ClockOffset) {
  const { paths, log, mainFile, stop } = program;
  const shells = new ShellRelay({ log, shellsDir: paths.shellsDir, connect: (path) => connect(path) });
  const executor: ExecutorClient = new ExecutorClient({
    clock,
    random,
    log,
    connect: () => connect(paths.executorSocket),
    isExpecting: () => shells.openShells.length > 0 || recordings.isBusy,
    message: (message) => node.fromExecutor(message),
  });
  const recordings = new RecordingUpload({
    log,
    readChunk: (file) => readRecordingChunk(paths.recordingsDir, file, LIMITS.bodyBytes),
    acknowledged: (session, index) => executor.send({ t: 'recording.ack', session, index }),
  });
  const inventory = new InventoryFeed({
    clock,
    random,
    log,
    takeInventory: (sections) => takeInventoryInChild(mainFile, sections, stop),
  });
  const areas = new AreaFeed({ clock, log, watch: (wanted, events) => watchAreas(wanted, events) });
  const controllerKeys = createControllerKeys(paths, log);
  const auditWitness = new AuditWitness({
    log,
    load: () => loadKeptHead(paths.auditHeadFile),
    store: (head) => storeKeptHead(paths.auditHeadFile, head),
    controller: () => controllerKeys.signing,
  });
  const bootedAt = Math.round(clock.nowMs() - uptime() * 1000);
  const node: NodeLink = new NodeLink({
    clock,
    log,
    node: { agentVersion: AGENT_VERSION, hostName: hostname(), boot, bootedAt },
    spoolChunks: () => spool.depth().chunks,
    executor,
    shells,
    recordings,
    metrics,
    inventory,
    areas,
    clockOffset,
    auditWitness,
    controllerKeys,
    keyRotation: new KeyRotation({
      clock,
      random,
      log,
      store: createLinkKeyFiles(paths.linkKeyFile),
      nodeId: () => loadIdentity(paths).nodeId,
      usedKey: () => keeper.usedKey,
    }),
    settled: () => log.info({ ready: true }, 'the link process is ready'),
  });
  const keeper: LinkKeeper = new LinkKeeper({
    clock,
    random,
    log,
    loadIdentity: () => loadIdentity(paths),
    controllerKeys,
    dialWith: createWebSocketDial,
    join: createJoinLedger(createSlotFile(paths.joinFile), log),
    watchFiles: (changed) => watchFolder(paths.configDir, changed, () => undefined),
    events: node,
  });
  return { keeper, executor, inventory, areas };
}

/** Runs until `stop`; resolves when everything has ended in order. */
export async function runLink(program: LinkProgram): Promise<void> {
  const { paths, log, stop } = program;
  // Said before anything is started: a node that is not enrolled has nothing to do.
  loadIdentity(paths);
  const boot = readBootId('/');
  const onProblem = (detail: string, cause?: unknown): void => log.warn({ detail, err: cause }, 'spool');
  const spool = await createSpool({ folder: paths.spoolDir, clock, boot, uptimeS: uptime(), onProblem });
  const clockOffset = new ClockOffset(clock);
  const { sampler, feed } = createMetrics(spool, boot, clockOffset, log);
  const { keeper, executor, inventory, areas } = createLink(program, spool, boot, feed, clockOffset);
  const watching = await watchConfigFiles(() => inventory.filesChanged(), log);
  await sampler.start();
  executor.sync();
  keeper.start();
  await new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    else stop.addEventListener('abort', () => resolve(), { once: true });
  });
  keeper.stop();
  inventory.stop();
  executor.stop();
  await areas.stop();
  await watching.close();
  await sampler.stop();
}
