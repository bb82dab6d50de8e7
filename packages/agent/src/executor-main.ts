/** Composition root of the executor: the real machine, keys, files and sockets. */
import { lookup } from 'node:dns/promises';
import { hostname } from 'node:os';
import { isIP } from 'node:net';
import { dirname, join } from 'node:path';
import { systemClock, systemRandom } from '@hauban/link';
import { ACTIONS } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { AgentPaths } from './config.ts';
import {
  createReceiptKeyFiles,
  inheritedSocket,
  ReceiptKeys,
  runExecutor,
  type ExecutorLog,
  type HostWords,
  type LoadedPolicy,
  type NodeIdentity,
} from './executor/index.ts';
import { createRealHost, ROOT_TRUST, type NeverBan } from './host/index.ts';
import { processStart } from './proc/session-processes.ts';
import { ensureFolder } from './store/folder-there.ts';
import { policyStamp } from './store/policy-source.ts';
import { loadTrust, type Trust } from './store/trust-file.ts';

export interface ExecutorProgram {
  readonly paths: AgentPaths;
  readonly log: ExecutorLog;
  /** This very program, for shell hosts and rehearsals. */
  readonly mainFile: string;
  /** Shells end with the executor; otherwise they outlive it, so that it can be upgraded under them. */
  readonly endsShells: boolean;
  /** Ends the process in order. */
  readonly stop: AbortSignal;
}

/** The group that the link process is in where the agent is installed. */
const LINK_GROUP = 'hauban';
/** And the user it runs as there. */
const LINK_USER = 'hauban';

/** Reads the pinned keys again when the file is another one: a new enrolment counts from the next order on. */
function createTrustSource(path: string): () => Trust {
  let stamp = '';
  let trust: Trust | null = null;
  return () => {
    const now = policyStamp(path);
    if (trust === null || now !== stamp) {
      trust = loadTrust(path);
      stamp = now;
    }
    if (trust !== null) return trust;
    throw new HaubanError('CONFIG_BAD', `This node is not enrolled (${path}): run "hauban-agent enrol".`);
  };
}

/** A node that bans its controller could not be told to lift the ban. */
async function controllerAddresses(trust: Trust): Promise<readonly NeverBan[]> {
  const name = new URL(trust.url).hostname.replaceAll(/[[\]]/g, '');
  const why = "this node's controller";
  if (isIP(name) !== 0) return [{ target: name, why }];
  try {
    return (await lookup(name, { all: true })).map(({ address }) => ({ target: address, why }));
  } catch (error) {
    const detail = `the address of the controller (${name}) is not known just now, so a ban could cut this node off`;
    throw new HaubanError('UNAVAILABLE', detail, { cause: error });
  }
}

/** Nobody is protected by a file that cannot be read: without a policy nothing is banned at all. */
function policyNeverBan(loaded: LoadedPolicy): readonly NeverBan[] {
  if (!loaded.ok) throw new HaubanError('POLICY_DENIED', "the node's policy file is not usable");
  return loaded.policy.firewall.neverBan.map((target) => ({ target, why: 'in the never_ban list of the policy file' }));
}

/** Runs until `stop`, or until there has been no work for a minute when systemd starts it on demand. */
export async function runExecutorProgram(program: ExecutorProgram): Promise<void> {
  const { paths, mainFile, log, stop, endsShells } = program;
  const trust = createTrustSource(paths.trustFile);
  const ownUid = process.geteuid?.() ?? 0;
  ensureFolder(paths.executorDir, 0o750);
  let pinned: { readonly trust: Trust; readonly identity: NodeIdentity } | null = null;
  const identity = (): NodeIdentity => {
    const now = trust();
    if (pinned?.trust !== now)
      pinned = {
        trust: now,
        identity: {
          nodeId: now.nodeId,
          controllerId: now.controllerId,
          authority: { root: now.authorityKeys, steps: now.authoritySteps },
        },
      };
    return pinned.identity;
  };
  identity();
  const files = createReceiptKeyFiles(paths.receiptKeyFile);
  const receiptKeys = new ReceiptKeys({ files, identity, clock: systemClock, log });
  let words: HostWords = {
    policy: () => ({ ok: false, problems: ['not read yet'], text: '' }),
    pinOf: () => ({ ok: false, detail: 'the policy was not read yet' }),
    printed: () => undefined,
  };
  const host = createRealHost({
    clock: systemClock,
    random: systemRandom,
    stateDirectory: join(paths.executorDir, 'host'),
    rehearsalCommand: { program: process.execPath, args: [mainFile, 'rehearse'] },
    custom: {
      folder: join(paths.configDir, 'actions'),
      // Beside the executor's own folder, which nobody may enter.
      copies: join(dirname(paths.executorDir), 'custom-run'),
      trust: ROOT_TRUST,
      pinOf: (name) => words.pinOf(name),
      printed: (name, text) => words.printed(name, text),
    },
    receiptKeys,
    neverBan: async () => [...policyNeverBan(words.policy()), ...(await controllerAddresses(trust()))],
  });
  const group = ownUid === 0 ? await host.accounts.groupByName(LINK_GROUP) : null;
  const gid = group?.gid ?? null;
  const linkUser = ownUid === 0 ? await host.accounts.userByName(LINK_USER) : null;
  await host.reconcile();
  await runExecutor({
    paths,
    listenAt: inheritedSocket(process.env, process.pid) ?? { kind: 'path', path: paths.executorSocket, gid },
    gid,
    ownUid,
    linkUid: linkUser?.uid ?? null,
    hostName: hostname(),
    identity,
    receiptKeys,
    actions: ACTIONS,
    custom: { folder: join(paths.configDir, 'actions'), trust: ROOT_TRUST },
    createHost: (given) => {
      words = given;
      return host;
    },
    hostProgram: [process.execPath, mainFile, 'shell-host'],
    processStart,
    clock: systemClock,
    log,
    endsShells,
    stop,
  });
}
