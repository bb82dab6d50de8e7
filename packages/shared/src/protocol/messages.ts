import { checkSignedStep, checkTrustItem } from './authority-step.ts';
import {
  finite,
  flag,
  integer,
  json,
  list,
  literal,
  nullable,
  object,
  oneOf,
  parseWith,
  text,
  type Check,
  type Checked,
  type Parsed,
} from './check.ts';
import { checkAreaChanges, checkWatchedAreas } from './change-areas.ts';
import { MOST_LINK_ITEMS } from './handshake.ts';
import { UUID_PATTERN } from './ids.ts';
import { checkLinkItem } from './link-step.ts';
import { checkLabels, checkNodeRoles } from './node-place.ts';
import { checkSignedReceiptStep } from './receipt-step.ts';

/** Control messages (frame type 1): two unions, one table of checks each. A new message is one row, a rule in SPEC.md and a test. */
const uuid = text(36, { pattern: new RegExp(UUID_PATTERN) });
const key = text(43, { pattern: /^[A-Za-z0-9_-]{43}$/ });
const timeMs = integer(0, 8_640_000_000_000_000);
const jws = text(400_000, { pattern: /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/ });
const hash = text(64, { pattern: /^[0-9a-f]{64}$/ });
const auditHead = text(4000, { pattern: /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}$/ });
const code = text(64, { pattern: /^[A-Z][A-Z0-9_]*$/ });
const line = text(500);
const chunkKey = { boot: uuid, seq: integer(0, 2 ** 47) };

const agentMessages = {
  enrol: object({
    t: literal('enrol'),
    tokenId: uuid,
    secret: key,
    hostName: text(253, { min: 1 }),
    receiptKey: key,
    receiptProof: jws,
    agentVersion: text(32),
    os: text(200),
  }),
  status: object({
    t: literal('status'),
    agentVersion: text(32),
    hostName: text(253, { min: 1 }),
    boot: uuid,
    bootedAt: timeMs,
    /** Does the executor run as root? Without, actions that need it are refused. */
    isRoot: flag,
    actions: list(object({ name: text(64), version: integer(1, 10_000) }), 500),
    /** The node's policy file as it stands: shown in the page, enforced by the executor only. */
    policyText: text(65_536, { multiline: true }),
    spoolChunks: integer(0, 2 ** 31),
    shells: list(uuid, 1000),
    /** Version of the policy bundle that the executor holds; 0: none. */
    bundle: integer(0, 1_000_000),
    /** Version of the authority key that the executor obeys (rule KEYS18); 0: it is not known. */
    authority: integer(0, 10_000),
    /** The newest link key of the controller that the node goes by (rule KEYS21). */
    controllerKey: key,
    /** The newest signed head of the audit log that the node has seen (rule AUDIT3). */
    auditHead: nullable(auditHead),
  }),
  series: object({ t: literal('series'), list: json }),
  ping: object({ t: literal('ping'), sentAt: finite }),
  pong: object({ t: literal('pong'), sentAt: finite, at: finite }),
  'order.taken': object({ t: literal('order.taken'), order: uuid }),
  progress: object({
    t: literal('progress'),
    order: uuid,
    step: line,
    done: integer(0, 100_000),
    total: integer(0, 100_000),
  }),
  /** What the programs of an order printed, for the eye (rule ORDER15). */
  output: object({ t: literal('output'), order: uuid, text: text(4096, { multiline: true }) }),
  receipt: object({ t: literal('receipt'), jws }),
  inventory: object({
    t: literal('inventory'),
    takenAt: timeMs,
    sections: list(object({ name: text(32), hash, data: json }), 64),
  }),
  /** Something in these areas changed (rule AREA2). */
  'areas.changed': object({ t: literal('areas.changed'), areas: checkAreaChanges }),
  /** A new link key, proven by the one before and by itself (rule KEYS8). */
  'key.rotate': object({ t: literal('key.rotate'), linkKey: key, before: key, byCurrent: jws, byNext: jws }),
  /** A new receipt key (rule KEYS25); sent again at each link, before receipts. */
  'receipt-key.step': object({ t: literal('receipt-key.step'), step: checkSignedReceiptStep }),
  'shell.opened': object({ t: literal('shell.opened'), session: uuid }),
  'shell.refused': object({ t: literal('shell.refused'), session: uuid, code, detail: line }),
} as const;

const controllerMessages = {
  enrolled: object({
    t: literal('enrolled'),
    nodeId: uuid,
    controllerId: uuid,
    controllerKey: key,
    authorityKeys: list(object({ kid: text(64), key }), 8),
    /** From the key in `authorityKeys` to the one in force, the oldest first. */
    authoritySteps: list(checkSignedStep, 50),
    labels: checkLabels,
    roles: checkNodeRoles,
  }),
  'enrol.refused': object({ t: literal('enrol.refused'), code, detail: line }),
  ready: object({
    t: literal('ready'),
    session: uuid,
    epoch: integer(1, 2 ** 47),
    at: finite,
    liveMs: integer(1000, 60_000),
  }),
  ping: object({ t: literal('ping'), sentAt: finite }),
  pong: object({ t: literal('pong'), sentAt: finite, at: finite }),
  watch: object({ t: literal('watch'), periodMs: oneOf([1000, 10_000] as const) }),
  'chunk.ack': object({ t: literal('chunk.ack'), ...chunkKey }),
  order: object({ t: literal('order'), jws }),
  'receipt.ack': object({ t: literal('receipt.ack'), order: uuid }),
  'key.rotated': object({ t: literal('key.rotated'), linkKey: key }),
  'key.refused': object({ t: literal('key.refused'), linkKey: key, code }),
  'recording.ack': object({ t: literal('recording.ack'), session: uuid, index: integer(0, 2 ** 31) }),
  /** The version of the node's receipt key that the controller goes by now (rule KEYS28). */
  'receipt-key.held': object({ t: literal('receipt-key.held'), version: integer(1, 1_000_000) }),
  /** Consecutive versions of the policy bundle and of the authority key, the oldest first (rules BUNDLE4, KEYS18). */
  bundles: object({ t: literal('bundles'), items: list(checkTrustItem, 50) }),
  /** From the link key that the node's `status` names to the newest one (rule KEYS21). */
  'link.steps': object({ t: literal('link.steps'), items: list(checkLinkItem, MOST_LINK_ITEMS) }),
  'audit.head': object({ t: literal('audit.head'), jws: auditHead }),
  'inventory.refresh': object({ t: literal('inventory.refresh'), sections: nullable(list(text(32), 64)) }),
  /** Of changes in these areas it wants to hear from now on (rule AREA1). */
  'areas.watch': object({ t: literal('areas.watch'), areas: checkWatchedAreas }),
} as const;

type MessageOf<T extends Record<string, Check<unknown>>> = { [K in keyof T]: Checked<T[K]> }[keyof T];
export type AgentMessage = MessageOf<typeof agentMessages>;
export type ControllerMessage = MessageOf<typeof controllerMessages>;

/** A message of a type that this version does not know is a value of its own: ignore and count it (rule FRAME6). */
export type ParsedMessage<T> = Parsed<T> | { readonly ok: 'unknown-type'; readonly type: string };

function parseMessage<T>(table: Record<string, Check<T>>, source: string): ParsedMessage<T> {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (error) {
    return { ok: false, problem: `not JSON: ${error instanceof Error ? error.name : 'unreadable'}` };
  }
  const type = typeof value === 'object' && value !== null ? (value as { t?: unknown }).t : undefined;
  if (typeof type !== 'string' || type.length > 64) return { ok: false, problem: 't must be the type of the message' };
  const check = Object.hasOwn(table, type) ? table[type] : undefined;
  return check === undefined ? { ok: 'unknown-type', type } : parseWith(check, value);
}

/** Parses a control body that came from a node. Never throws. */
export const parseAgentMessage = (source: string): ParsedMessage<AgentMessage> =>
  parseMessage<AgentMessage>(agentMessages, source);

/** Parses a control body that came from the controller. Never throws. */
export const parseControllerMessage = (source: string): ParsedMessage<ControllerMessage> =>
  parseMessage<ControllerMessage>(controllerMessages, source);
