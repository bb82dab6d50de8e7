import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSeriesList, catalogueSeries, type ChunkKey, type SeriesList } from '@hauban/shared/metrics';
import { SeededRandom } from '@hauban/shared/testing';
import type { Clock, Random } from '@hauban/shared/time';
import { createKeyPair, keyThumbprint, systemClock, type KeyPair } from '@hauban/link';
import {
  AuditWitness,
  ClockOffset,
  ControllerKeys,
  createJoinLedger,
  createWebSocketDial,
  ExecutorClient,
  AreaFeed,
  InventoryFeed,
  KeyRotation,
  LinkKeeper,
  MetricsFeed,
  NodeLink,
  RecordingUpload,
  ShellRelay,
  type Dial,
  type LedgerStore,
  type LinkKeyStore,
  type LinkIdentity,
} from '../../packages/agent/src/link/index.ts';
import type { AreaEvents } from '../../packages/agent/src/link/watch-areas.ts';
import type { ControllerKeysFile } from '../../packages/agent/src/store/controller-keys-file.ts';
import type { KeptHead } from '../../packages/agent/src/store/audit-head-file.ts';
import type { ChangeArea, ToExecutor } from '@hauban/shared/protocol';
import { FakeExecutor } from './fake-executor.ts';
import { STATUS } from './fake-node.ts';

/** Who the node is, and which controller its enrolment has pinned. */
type FakeIdentity = LinkIdentity & { readonly controllerId: string; readonly controllerKey: string };

/** What an agent has to know of its controller: a fake one, or a real one that it has enrolled at. */
interface KnownController {
  readonly url: string;
  readonly identity: { readonly controllerId: string; readonly key: Pick<KeyPair, 'publicText'> };
  readonly state: { readonly authority: Pick<KeyPair, 'publicText'> };
  addNode(linkKey: string): string;
}

export interface FakeAgentOptions {
  /** Default: that of every fake node. */
  readonly hostName?: string;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly dial?: (ca: string | null) => Dial;
  readonly identity?: Partial<FakeIdentity>;
  readonly key?: KeyPair;
  readonly nodeId?: string;
  /** Where the marks of former links are kept; default: in memory. */
  readonly ledger?: LedgerStore;
  /** The link key and the one that shall take over; default: one for ever. */
  readonly keys?: LinkKeyStore;
  /** What an earlier life of this node has kept of the controller's link keys. */
  readonly keptKeys?: ControllerKeysFile | null;
  /** False: nobody listens at the executor's socket. */
  readonly hasExecutor?: boolean;
  /** Where its sockets are made, kept at its end; default: a folder of its own. */
  readonly folder?: string;
  /** Answers the link process in the place of the executor that only answers `sync`. */
  readonly heard?: (message: ToExecutor) => void;
}

/** As an enrolment pins it. */
const authorityRoot = (key: Pick<KeyPair, 'publicText'>) => ({
  kid: keyThumbprint(key.publicText) ?? '',
  key: key.publicText,
});

/** Keys of a node that never rotates. */
export const fixedKey = (key: KeyPair, clock: Clock): LinkKeyStore => ({
  current: () => key,
  madeAtMs: () => clock.nowMs() + 1e9,
  next: () => key,
  hasNext: () => false,
  adoptNext: () => undefined,
});

/** Survives a restart of the agent when it is handed to the next one. */
export function memoryLedger(): LedgerStore {
  let kept: string | null = null;
  return {
    load: () => kept,
    save: (text) => {
      kept = text;
    },
  };
}

/** A spool in memory. Chunks are the text `boot seq`, as the fake controller acknowledges them. */
class MemorySpool {
  readonly chunks: (ChunkKey & { listVersion: string })[] = [];
  readonly acked: ChunkKey[] = [];
  readonly lists = new Map<string, SeriesList>();
  pending(limit: number): readonly (ChunkKey & { listVersion: string })[] {
    return this.chunks.toReversed().slice(0, limit);
  }
  async read(key: ChunkKey): Promise<Uint8Array> {
    return Buffer.from(`${key.boot} ${key.seq}`);
  }
  async ack(key: ChunkKey): Promise<void> {
    const at = this.chunks.findIndex((chunk) => chunk.boot === key.boot && chunk.seq === key.seq);
    if (at >= 0) this.chunks.splice(at, 1);
    this.acked.push({ boot: key.boot, seq: key.seq });
  }
  async seriesList(version: string): Promise<SeriesList | undefined> {
    return this.lists.get(version);
  }
}

class MemorySampler {
  readonly periods: number[] = [];
  keyFrames = 0;
  list = createSeriesList([catalogueSeries('mem.free_bytes')]);
  setPeriod(periodMs: 1000 | 10_000): void {
    this.periods.push(periodMs);
  }
  forceKeyFrame(): void {
    this.keyFrames += 1;
  }
  seriesList(): SeriesList {
    return this.list;
  }
}

/** The real link process but for its sampler, spool and inventory: in this process, with a fake executor on a real Unix socket. */
export class FakeAgent {
  readonly folder: string;
  readonly #isFolderKept: boolean;
  readonly key: KeyPair;
  readonly nodeId: string;
  readonly log: { readonly level: string; readonly fields: object; readonly message: string }[] = [];
  readonly spool = new MemorySpool();
  readonly sampler = new MemorySampler();
  readonly ledger: LedgerStore;
  readonly keeper: LinkKeeper;
  readonly node: NodeLink;
  readonly metrics: MetricsFeed;
  readonly inventory: InventoryFeed;
  readonly areas: AreaFeed;
  /** What the watch that is open was opened for; null: none is. */
  watched: { readonly areas: readonly ChangeArea[]; readonly events: AreaEvents } | null = null;
  readonly shells: ShellRelay;
  readonly offset: ClockOffset;
  readonly client: ExecutorClient;
  /** Set by `start`. */
  executor: FakeExecutor | null = null;
  sections: { name: string; data: unknown }[] = [{ name: 'os', data: { name: 'Debian' } }];
  inventoryRuns: (readonly string[] | null)[] = [];
  /** What the watch of trust and key files calls. */
  filesChanged: () => void = () => undefined;
  identity: FakeIdentity;
  hasSettled = false;
  /** The newest head of the audit log, as the link process keeps it on disk. */
  keptHead: KeptHead | null = null;
  /** What it keeps of the controller's link keys. */
  keptKeys: ControllerKeysFile | null;
  readonly controllerKeys: ControllerKeys;

  constructor(controller: KnownController, options: FakeAgentOptions = {}) {
    const { clock = systemClock, random = new SeededRandom(7) } = options;
    this.folder = options.folder ?? mkdtempSync(join(tmpdir(), 'hb-'));
    this.#isFolderKept = options.folder !== undefined;
    this.key = options.key ?? createKeyPair();
    this.ledger = options.ledger ?? memoryLedger();
    this.nodeId = options.nodeId ?? controller.addNode(this.key.publicText);
    mkdirSync(this.shellsDir, { recursive: true });
    const { controllerId, key } = controller.identity;
    this.identity = {
      url: controller.url,
      ca: null,
      nodeId: this.nodeId,
      key: this.key,
      formerKeys: [],
      controllerId,
      controllerKey: key.publicText,
      ...options.identity,
    };
    const note = (level: string) => (fields: object, message: string) => void this.log.push({ level, fields, message });
    const log = { info: note('info'), warn: note('warn'), error: note('error') };
    this.keptKeys = options.keptKeys ?? null;
    this.controllerKeys = new ControllerKeys({
      clock,
      log,
      pinned: () => ({
        ...this.identity,
        authority: { root: [authorityRoot(controller.state.authority)], steps: [] },
      }),
      load: () => this.keptKeys,
      store: (keys) => void (this.keptKeys = keys),
    });
    this.shells = new ShellRelay({ log, shellsDir: this.shellsDir, connect: (path) => connect(path) });
    this.client = new ExecutorClient({
      clock,
      random,
      log,
      connect: () => connect(this.executorSocket),
      isExpecting: () => this.shells.openShells.length > 0 || recordings.isBusy,
      message: (message) => this.node.fromExecutor(message),
    });
    const recordings = new RecordingUpload({
      log,
      readChunk: (file) => readFile(file).catch(() => null),
      acknowledged: (session, index) => this.client.send({ t: 'recording.ack', session, index }),
    });
    this.metrics = new MetricsFeed({ clock, log, spool: this.spool }, this.sampler);
    this.inventory = new InventoryFeed({
      clock,
      random,
      log,
      takeInventory: async (names) => {
        this.inventoryRuns.push(names);
        return this.sections.filter(({ name }) => names === null || names.includes(name));
      },
    });
    this.areas = new AreaFeed({
      clock,
      log,
      watch: async (areas, events) => {
        this.watched = { areas, events };
        return { close: async () => void (this.watched = null) };
      },
    });
    this.offset = new ClockOffset(clock);
    const { t: _t, ...facts } = STATUS;
    const { agentVersion, hostName, boot, bootedAt } = facts;
    this.node = new NodeLink({
      clock,
      log,
      node: { agentVersion, hostName: options.hostName ?? hostName, boot, bootedAt },
      spoolChunks: () => this.spool.chunks.length,
      executor: this.client,
      shells: this.shells,
      recordings,
      metrics: this.metrics,
      auditWitness: new AuditWitness({
        log,
        load: () => this.keptHead,
        store: (head) => void (this.keptHead = head),
        controller: () => this.controllerKeys.signing,
      }),
      controllerKeys: this.controllerKeys,
      inventory: this.inventory,
      areas: this.areas,
      clockOffset: this.offset,
      keyRotation: new KeyRotation({
        clock,
        random,
        log,
        store: options.keys ?? fixedKey(this.key, clock),
        nodeId: () => this.nodeId,
        usedKey: () => this.keeper.usedKey,
      }),
      settled: () => {
        this.hasSettled = true;
      },
    });
    this.keeper = new LinkKeeper({
      clock,
      random,
      log,
      loadIdentity: () => ({ ...this.identity, key: options.keys?.current() ?? this.identity.key }),
      controllerKeys: this.controllerKeys,
      dialWith: options.dial ?? createWebSocketDial,
      join: createJoinLedger(this.ledger, log),
      watchFiles: (changed) => {
        this.filesChanged = changed;
        return { close: () => undefined };
      },
      events: this.node,
    });
  }

  get shellsDir(): string {
    return join(this.folder, 'shells');
  }

  get executorSocket(): string {
    return join(this.folder, 'executor.sock');
  }

  static async start(controller: KnownController, options: FakeAgentOptions = {}): Promise<FakeAgent> {
    const agent = new FakeAgent(controller, options);
    if (options.hasExecutor !== false)
      agent.executor = await FakeExecutor.listen(agent.executorSocket, options.heard ?? null);
    agent.keeper.start();
    return agent;
  }

  async stop(): Promise<void> {
    this.keeper.stop();
    this.inventory.stop();
    await this.areas.stop();
    this.client.stop();
    await this.executor?.stop();
    if (!this.#isFolderKept) rmSync(this.folder, { recursive: true });
  }
}
