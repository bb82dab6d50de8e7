import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadOrCreateKeyPair, parseJoinToken, systemClock, systemRandom } from '@hauban/link';
import { ACTIONS, type Host } from '@hauban/shared/actions';
import type { ControllerMessage, FromExecutor, ToExecutor } from '@hauban/shared/protocol';
import type { Random } from '@hauban/shared/time';
import { askEnrolment } from '../../packages/agent/src/enrol/ask-enrolment.ts';
import type { LoadedPolicy } from '../../packages/agent/src/executor/index.ts';
import { CustomCatalogue } from '../../packages/agent/src/executor/custom-catalogue.ts';
import { createLockTable } from '../../packages/agent/src/executor/lock-table.ts';
import { OrderDesk } from '../../packages/agent/src/executor/order-desk.ts';
import { OrderJournal } from '../../packages/agent/src/executor/order-journal.ts';
import { UndoStore } from '../../packages/agent/src/executor/undo-store.ts';
import { createWebSocketDial, type Dial } from '../../packages/agent/src/link/index.ts';
import { createSlotFile } from '../../packages/agent/src/store/slot-file.ts';
import {
  AuthorityStore,
  BundleStore,
  createAuthorityFile,
  createBundleFile,
} from '../../packages/agent/src/trust/index.ts';
import { FakeAgent, fixedKey } from '../support/fake-agent.ts';
import type { FakeExecutor } from '../support/fake-executor.ts';

type Enrolled = Extract<ControllerMessage, { t: 'enrolled' }>;

/** What a node keeps of its enrolment. */
type Identity = Pick<Enrolled, 'nodeId' | 'controllerId' | 'controllerKey' | 'authorityKeys'>;

export interface FleetNodeParts {
  /** The node's own; all that it is lies in it. */
  readonly folder: string;
  readonly hostName: string;
  readonly url: string;
  readonly machine: Host;
  readonly random: Random;
  readonly policy: () => LoadedPolicy;
  /** The journal cannot be relied on, or the node's own code has a fault: its process has to end. */
  readonly fatal: (error: unknown) => void;
  /** The controller has a receipt. */
  readonly acknowledged: () => void;
}

export interface FleetNode {
  readonly nodeId: string;
  readonly isUp: boolean;
  /** Breaks the connection as a lost network does; the agent dials again by itself. */
  cutLink(): void;
  stop(): Promise<void>;
}

export const journalFolder = (folder: string): string => join(folder, 'journal');
export const effectsFile = (folder: string): string => join(folder, 'effects.jsonl');
const identityFile = (folder: string): string => join(folder, 'identity.json');
export const linkKeyFile = (folder: string): string => join(folder, 'link-key.json');
export const receiptKeyFile = (folder: string): string => join(folder, 'receipt-key.json');

export function keepIdentity(folder: string, identity: Identity): void {
  const { nodeId, controllerId, controllerKey, authorityKeys } = identity;
  writeFileSync(identityFile(folder), JSON.stringify({ nodeId, controllerId, controllerKey, authorityKeys }));
}

export const loadIdentity = (folder: string): Identity =>
  JSON.parse(readFileSync(identityFile(folder), 'utf8')) as Identity;

/** An attempt of its own is bounded by the product; this is against a fault that makes it wait for ever. */
const ENROL_WITHIN_MS = 120_000;
const ENROL_ATTEMPTS = 60;
/** A controller that takes no more links for now is asked again after up to so long. */
const ENROL_AGAIN_MS = 4_000;

async function endsInTime<T>(what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} has no end`)), ENROL_WITHIN_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Enrols as an agent does, with keys of its own; nothing when it is enrolled already. An attempt that was neither taken nor
 * refused is made again with the same keys, as a person would whose controller is busy.
 */
export async function enrolFleetNode(
  { folder, hostName, url }: Pick<FleetNodeParts, 'folder' | 'hostName' | 'url'>,
  joinToken: string,
): Promise<void> {
  if (existsSync(identityFile(folder))) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const token = parseJoinToken(joinToken);
  if (!token.ok) throw new Error(token.problem);
  const question = {
    ...{ hostName, agentVersion: '0.1.0', os: 'Debian 12', url, token: token.value },
    dial: createWebSocketDial(null),
    clock: systemClock,
    random: systemRandom,
    linkKey: loadOrCreateKeyPair(linkKeyFile(folder)),
    receiptKey: loadOrCreateKeyPair(receiptKeyFile(folder)),
  };
  for (let attempt = 1; ; attempt += 1) {
    const answer = await endsInTime(`the enrolment of ${hostName}`, askEnrolment(question));
    if (answer.ok) return keepIdentity(folder, answer.enrolled);
    if (answer.isRefused || attempt === ENROL_ATTEMPTS)
      throw new Error(`${hostName} could not enrol: ${answer.code} ${answer.detail}`);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * ENROL_AGAIN_MS));
  }
}

/** The executor's own parts, put together as it does; what it leaves out is shells, and who may connect to its socket. */
function createDesk(parts: FleetNodeParts, identity: Identity, send: (message: FromExecutor) => void) {
  const { folder, machine, policy, fatal } = parts;
  const { nodeId, controllerId, authorityKeys: root } = identity;
  // The authority of these controllers is as new as they are: it has made no step.
  const trust = () => ({ nodeId, controllerId, authority: { root, steps: [] } });
  const log = {
    info: () => undefined,
    warn: () => undefined,
    error: (fields: object, message: string) => fatal(new Error(message, { cause: fields })),
  };
  const receiptKey = loadOrCreateKeyPair(receiptKeyFile(folder));
  mkdirSync(journalFolder(folder), { recursive: true, mode: 0o700 });
  const { journal, damage } = OrderJournal.open(journalFolder(folder), systemClock);
  if (damage.kind === 'corrupt') fatal(new Error(`the journal of ${parts.hostName} is damaged`));
  const undo = new UndoStore(join(folder, 'undo'), systemClock);
  const authority = new AuthorityStore({ file: createAuthorityFile(join(folder, 'authority.json')), trust, log });
  const facts = (): Extract<FromExecutor, { t: 'facts' }> => ({
    t: 'facts',
    isRoot: true,
    actions: [...ACTIONS.values()].map(({ name, version }) => ({ name, version })),
    policyText: policy().text,
    bundle: bundles.version,
    authority: authority.version,
    shells: [],
  });
  const bundles: BundleStore = new BundleStore({
    file: createBundleFile(join(folder, 'bundle.json')),
    ...{ authority, trust, log },
    changed: () => send(facts()),
  });
  const desk = new OrderDesk({
    ...{ journal, undo, policy, bundles, authority, send, fatal, log },
    clock: systemClock,
    host: machine,
    identity: trust,
    receiptKey: () => receiptKey,
    actions: new CustomCatalogue(ACTIONS, null),
    isRoot: true,
    locks: createLockTable(),
    openShell: () => Promise.resolve({ ok: false, code: 'POLICY_DENIED', detail: 'there are no shells here' }),
    isShellOpen: () => false,
  });
  const close = (): void => {
    journal.close();
    undo.close();
  };
  return { desk, bundles, facts, close };
}

/** One dial whose newest connection can be broken. */
function createCuttableDial(): { readonly dial: (ca: string | null) => Dial; cut(): void } {
  let cut = (): void => undefined;
  const dial = (ca: string | null): Dial => {
    const real = createWebSocketDial(ca);
    return (url, events) => {
      const connection = real(url, events);
      cut = () => connection.abort();
      return connection;
    };
  };
  return { dial, cut: () => cut() };
}

/** Starts a node that is enrolled: what an earlier life left open is settled first, then it dials. */
export async function startFleetNode(parts: FleetNodeParts): Promise<FleetNode> {
  const { folder, hostName, url } = parts;
  const identity = loadIdentity(folder);
  const { nodeId, controllerId, controllerKey } = identity;
  const key = loadOrCreateKeyPair(linkKeyFile(folder));
  const { dial, cut } = createCuttableDial();
  // Left by a life that was killed.
  rmSync(join(folder, 'executor.sock'), { force: true });
  const known = {
    url,
    identity: { controllerId, key: { publicText: controllerKey } },
    state: { authority: { publicText: identity.authorityKeys[0]?.key ?? '' } },
    addNode: () => nodeId,
  };
  let executor: FakeExecutor | null = null;
  const send = (message: FromExecutor): void => {
    if (executor?.isConnected === true) executor.send(message);
  };
  const { desk, bundles, facts, close } = createDesk(parts, identity, send);
  desk.recover();
  const madeAtMs = systemClock.nowMs();
  const agent = await FakeAgent.start(known, {
    ...{ folder, hostName, nodeId, key, dial },
    random: parts.random,
    keys: { ...fixedKey(key, systemClock), madeAtMs: () => madeAtMs },
    ledger: createSlotFile(join(folder, 'join')),
    heard: (message: ToExecutor) => {
      if (message.t === 'order') desk.take(message.jws);
      else if (message.t === 'bundles') bundles.take(message.items);
      else if (message.t === 'sync') {
        send(facts());
        desk.offerReceipts(send);
      } else if (message.t === 'receipt.ack') {
        desk.acknowledge(message.order);
        parts.acknowledged();
      }
    },
  });
  executor = agent.executor;
  return {
    nodeId,
    get isUp() {
      return agent.node.isUp;
    },
    cutLink: cut,
    stop: async () => {
      await agent.stop();
      await desk.whenIdle();
      close();
    },
  };
}
