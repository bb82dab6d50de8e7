import { randomUUID } from 'node:crypto';
import { parseSealedChunk } from '@hauban/shared/metrics';
import type { LinkItem, NodeId, ShellFrame, SignedStep } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import { createKeyPair, sha256Hex, verifyReceiptStep, type ControllerIdentity, type KeyPair } from '@hauban/link';
import { judgeJoin, NO_JOIN, storedJoin, type StoredJoin } from '../../packages/controller/src/nodes/judge-join.ts';
import type {
  EnrolRequest,
  EnrolResult,
  GatewayPorts,
  AreasChangedMessage,
  InventoryMessage,
  LinkEnd,
  LinkRef,
  LinkRefusal,
  NodeLink,
  ProgressMessage,
  OutputMessage,
  StatusMessage,
} from '../../packages/controller/src/gateway/ports.ts';

/** What the controller of a test knows and was told, and its services in memory. */

interface KnownNode {
  linkKey: string;
  /** Takes over when it is first used. */
  nextLinkKey: string | null;
  receiptKey: string;
  receiptVersion: number;
  receiptStepHash: string | null;
  isRemoved: boolean;
  /** The close code of a node that is revoked or locked. */
  bar: 4402 | 4412 | null;
  join: StoredJoin;
  epoch: number;
}

/** A node that has never connected. */
export const FRESH = {
  receiptVersion: 1,
  receiptStepHash: null,
  nextLinkKey: null,
  isRemoved: false,
  bar: null,
  join: NO_JOIN,
  epoch: 0,
} as const;

interface IssuedToken {
  readonly secretHash: string;
  readonly expiresAt: number;
  readonly hostName: string | null;
  usesLeft: number;
  /** Link key and node of those who used it. */
  readonly users: Map<string, string>;
}

/** Everything that the services of a real controller would have been told, in order. */
export interface Told {
  readonly refusals: LinkRefusal[];
  readonly ready: NodeLink[];
  readonly ends: (LinkRef & LinkEnd)[];
  readonly statuses: { readonly link: LinkRef; readonly status: StatusMessage }[];
  readonly enrolments: EnrolRequest[];
  readonly taken: string[];
  readonly progress: ProgressMessage[];
  readonly output: OutputMessage[];
  readonly receipts: { readonly link: LinkRef; readonly jws: string }[];
  readonly series: unknown[];
  readonly live: Uint8Array[];
  /** The same frames with the epoch of their link. */
  readonly liveOf: { readonly epoch: number; readonly frame: Uint8Array }[];
  readonly chunks: Uint8Array[];
  readonly inventories: InventoryMessage[];
  readonly changedAreas: AreasChangedMessage['areas'][];
  readonly opened: string[];
  readonly shellRefusals: { readonly session: string; readonly code: string; readonly detail: string }[];
  readonly frames: ShellFrame[];
  readonly lost: LinkRef[];
  readonly recordings: { readonly jws: string; readonly data: Uint8Array }[];
  /** What came of each step of a receipt key. */
  readonly receiptSteps: string[];
  /** What each `status` said that the node keeps. */
  readonly auditHeads: (string | null)[];
  /** Errors that the gateway logged. */
  readonly faults: object[];
}

/** What a real controller has in its database and key files. */
export interface ControllerState {
  readonly identity: ControllerIdentity;
  readonly authority: KeyPair;
  /** What an enrolment is given to follow from the authority key. */
  readonly authoritySteps: SignedStep[];
  readonly nodes: Map<string, KnownNode>;
  readonly tokens: Map<string, IssuedToken>;
  /** Orders without a receipt, per node. */
  readonly pending: Map<string, string[]>;
  /** From each former link key to the one of the identity. */
  readonly linkSteps: Map<string, readonly LinkItem[]>;
  /** Newest head of the audit log; null: none yet. */
  auditHead: string | null;
  /** False for tests whose nodes remember nothing of their links. */
  countsJoins: boolean;
}

export const AUTHORITY_KID = 'a1';

export const createControllerState = (): ControllerState => ({
  identity: { controllerId: randomUUID(), key: createKeyPair() },
  authority: createKeyPair(),
  authoritySteps: [],
  nodes: new Map(),
  tokens: new Map(),
  pending: new Map(),
  linkSteps: new Map(),
  auditHead: null,
  countsJoins: false,
});

/** Nobody has told the services anything yet. */
export const nothingTold = (): Told => ({
  refusals: [],
  ready: [],
  ends: [],
  statuses: [],
  enrolments: [],
  taken: [],
  progress: [],
  output: [],
  receipts: [],
  series: [],
  live: [],
  liveOf: [],
  chunks: [],
  inventories: [],
  changedAreas: [],
  opened: [],
  shellRefusals: [],
  frames: [],
  lost: [],
  recordings: [],
  receiptSteps: [],
  auditHeads: [],
  faults: [],
});

function enrol(state: ControllerState, request: EnrolRequest, now: number): EnrolResult {
  const token = state.tokens.get(request.tokenId);
  const refuse = (code: Extract<EnrolResult, { ok: false }>['code']): EnrolResult => ({
    ok: false,
    code,
    detail: `refused: ${code}`,
  });
  if (token === undefined || token.secretHash !== sha256Hex(request.secret)) return refuse('TOKEN_UNKNOWN');
  if (token.expiresAt <= now) return refuse('TOKEN_EXPIRED');
  if (token.hostName !== null && token.hostName !== request.hostName) return refuse('TOKEN_WRONG_HOST');
  const known = token.users.get(request.linkKey);
  if (known === undefined && token.usesLeft < 1) return refuse('TOKEN_USED_UP');
  const nodeId = (known ?? randomUUID()) as NodeId;
  if (known === undefined) {
    token.usesLeft -= 1;
    token.users.set(request.linkKey, nodeId);
    state.nodes.set(nodeId, { linkKey: request.linkKey, receiptKey: request.receiptKey, ...FRESH });
  }
  const authorityKeys = [{ kid: AUTHORITY_KID, key: state.authority.publicText }];
  return { ok: true, nodeId, authorityKeys, authoritySteps: state.authoritySteps, labels: {}, roles: ['web'] };
}

/** Payload of a JWS that a test trusts. */
export const payloadOf = (jws: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;

/** Services in memory: what they know is in `state`, what they are told is noted in `told`. */
export function createPorts(
  state: ControllerState,
  told: Told,
  clock: Clock,
  /** Ends the link of a node of which there are two copies. */
  lock: (nodeId: NodeId) => void = () => undefined,
): GatewayPorts {
  return {
    nodes: {
      findLinkIdentity: async (nodeId) => {
        const node = state.nodes.get(nodeId);
        if (node === undefined) return null;
        const linkKeys = node.nextLinkKey === null ? [node.linkKey] : [node.linkKey, node.nextLinkKey];
        return { linkKeys, isRemoved: node.isRemoved, joined: node.join.counter };
      },
      openSession: async (opening) => {
        const { nodeId } = opening;
        const node = state.nodes.get(nodeId);
        if (node === undefined || node.isRemoved) return { refused: 4401, why: 'the node was removed' };
        const verdict = state.countsJoins ? judgeJoin(node.join, opening) : 'same';
        if (node.bar === null && verdict === 'copy') {
          node.bar = 4412;
          lock(nodeId);
        }
        if (node.bar !== null) return { refused: node.bar, why: 'the node is barred' };
        if (verdict === 'late') return { refused: 4411, why: 'overtaken' };
        if (opening.linkKey === node.nextLinkKey) Object.assign(node, { linkKey: opening.linkKey, nextLinkKey: null });
        node.join = storedJoin(opening);
        node.epoch += 1;
        return { epoch: node.epoch };
      },
      rotateLinkKey: async ({ nodeId }, { before, next }) => {
        const node = state.nodes.get(nodeId);
        if (node === undefined || (before !== node.linkKey && before !== node.nextLinkKey)) return false;
        Object.assign(node, { linkKey: before, nextLinkKey: next });
        return true;
      },
      receiptStep: async ({ nodeId }, signed) => {
        const node = state.nodes.get(nodeId);
        if (node === undefined) return null;
        const { controllerId } = state.identity;
        const { receiptKey: key, receiptVersion: version, receiptStepHash: stepHash } = node;
        const taken = await verifyReceiptStep(signed, { controllerId, nodeId, version, key, stepHash });
        told.receiptSteps.push(taken.is === 'refused' ? taken.code : taken.is);
        if (taken.is === 'next')
          Object.assign(node, {
            receiptKey: taken.step.next,
            receiptVersion: taken.step.version,
            receiptStepHash: taken.hash,
          });
        return node.receiptVersion;
      },
      linkReady: (link) => void told.ready.push(link),
      closeSession: async (link, end) => void told.ends.push({ ...link, ...end }),
      status: async (link, status) => void told.statuses.push({ link, status }),
    },
    enrolment: {
      enrol: async (request) => {
        told.enrolments.push(request);
        return enrol(state, request, clock.nowMs());
      },
    },
    refusals: { refused: (refusal) => void told.refusals.push(refusal) },
    runs: {
      pendingOrders: async ({ nodeId }) => state.pending.get(nodeId) ?? [],
      orderTaken: async (_link, order) => void told.taken.push(order),
      progress: async (_link, progress) => void told.progress.push(progress),
      output: async (_link, output) => void told.output.push(output),
      receipt: async (link, jws) => {
        told.receipts.push({ link, jws });
        const id = String(payloadOf(jws)['order']);
        const waiting = state.pending.get(link.nodeId) ?? [];
        state.pending.set(
          link.nodeId,
          waiting.filter((order) => payloadOf(order)['id'] !== id),
        );
        return id;
      },
    },
    metrics: {
      series: async (_link, list) => void told.series.push(list),
      live: (link, frame) => {
        told.live.push(frame);
        told.liveOf.push({ epoch: link.epoch, frame });
      },
      chunk: async (_link, chunk) => {
        told.chunks.push(chunk);
        return chunkKey(chunk);
      },
    },
    inventory: { inventory: async (_link, message) => void told.inventories.push(message) },
    areas: { changed: (_link, areas) => void told.changedAreas.push(areas) },
    shells: {
      opened: async (_link, session) => void told.opened.push(session),
      refused: async (_link, refusal) => void told.shellRefusals.push(refusal),
      frame: (_link, frame) => void told.frames.push(frame),
      linkLost: (link) => void told.lost.push(link),
    },
    trust: {
      nodeStatus: async () => ({ items: [], isAll: true }),
      linkSteps: (pinned) => state.linkSteps.get(pinned) ?? [],
    },
    recordings: {
      chunk: async (_link, chunk) => {
        told.recordings.push(chunk);
        const { session, index } = payloadOf(chunk.jws) as { session: string; index: number };
        return { session, index };
      },
    },
    audit: {
      seen: async (_link, auditHead) => {
        told.auditHeads.push(auditHead);
        return state.auditHead;
      },
    },
  };
}

/** A real sealed chunk; or, in tests of the link, one of their own making: `boot seq` as text. */
function chunkKey(chunk: Uint8Array): { readonly boot: string; readonly seq: number } | null {
  const sealed = parseSealedChunk(chunk);
  if (sealed.ok) return { boot: sealed.value.boot, seq: sealed.value.seq };
  const [, boot, seq] = /^([0-9a-f-]{36}) (\d+)$/.exec(Buffer.from(chunk.subarray(0, 60)).toString('latin1')) ?? [];
  return boot === undefined ? null : { boot, seq: Number(seq) };
}
