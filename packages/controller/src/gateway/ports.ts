import type {
  AgentMessage,
  ControllerMessage,
  JoinClaim,
  LinkItem,
  NodeId,
  ShellFrame,
  SignedReceiptStep,
  TrustItem,
} from '@hauban/shared/protocol';

/**
 * What the gateway needs from the services, and what it gives them. The gateway knows sockets, handshake and frames;
 * the services know the database. Neither knows the other's inside: `main.ts` wires both by these interfaces.
 *
 * Calls of one link come in the order in which the node sent the messages. Control messages (`status`, `series`,
 * `receipt`, `receipt-key.step`, `inventory`, `areas.changed`, `progress`, `output`, `order.taken`, `shell.opened`, `shell.refused`) are handed over one at a time: the
 * next waits for the promise of the one before, and while many wait the gateway stops reading from that node. Live
 * and shell frames are handed over at once and must not block. Chunks of metrics and recordings run beside.
 *
 * A port that rejects is a fault of the controller: it is logged, nothing is acknowledged, and the link closes with
 * code 1011 so that the node comes back and repeats what was not acknowledged.
 */

type Agent<T extends AgentMessage['t']> = Extract<AgentMessage, { t: T }>;
export type StatusMessage = Agent<'status'>;
export type EnrolMessage = Agent<'enrol'>;
export type InventoryMessage = Agent<'inventory'>;
export type AreasChangedMessage = Agent<'areas.changed'>;
export type KeyRotateMessage = Agent<'key.rotate'>;
export type ProgressMessage = Agent<'progress'>;
export type OutputMessage = Agent<'output'>;
export type EnrolledMessage = Extract<ControllerMessage, { t: 'enrolled' }>;

/** Which link a message came over. `epoch` grows with each link of the node (rule LIFE3): stale work carries a lower one. */
export interface LinkRef {
  readonly nodeId: NodeId;
  /** Id of this link, a UUID. */
  readonly session: string;
  readonly epoch: number;
}

/** The registered key of a node and the number of its last link; all that may be read before the node has proven the key (rule HELLO8). */
export interface LinkIdentity {
  /** Ed25519 public keys, base64url, 43 characters: the one that counts, and one that takes over when it is first used (rule KEYS9). */
  readonly linkKeys: readonly string[];
  readonly isRemoved: boolean;
  /** The last link that was counted; 0: none (rule KEYS4). */
  readonly joined: number;
}

export interface LinkOpening {
  readonly nodeId: NodeId;
  readonly session: string;
  /** Address of the other end as the gateway sees it, for the record. */
  readonly address: string;
  /** Protocol version agreed. */
  readonly version: number;
  /** What the node shows of its former links, and what it will show of this one (rule KEYS4). */
  readonly join: JoinClaim;
  readonly joinMark: string;
  /** The key that was proven. */
  readonly linkKey: string;
  /** Does the node still wait? One that has gone is not counted: it is on its way back with another link. */
  isThere(): boolean;
}

/** A node that has proven its key and is refused all the same: removed, revoked, overtaken by its own newer link, or one of two copies. */
export interface LinkRefused {
  readonly refused: 4401 | 4402 | 4411 | 4412;
  readonly why: string;
}

/** How a link ended: a code of `close-codes.ts` and a sentence. */
export interface LinkEnd {
  readonly code: number;
  readonly why: string;
}

export interface NodePort {
  /** Null: not known. Runs before the node has proven anything: one indexed read, no write. */
  findLinkIdentity(nodeId: NodeId): Promise<LinkIdentity | null>;
  /**
   * The node has proven its key: counts the link, raises the node's epoch in the database and returns it. A link of an
   * older epoch is closed by the gateway, code 4411.
   */
  openSession(opening: LinkOpening): Promise<{ readonly epoch: number } | LinkRefused>;
  /** `ready` is sent: the link takes messages from now on. Services that were waiting for the node may send. */
  linkReady(link: NodeLink): void;
  /** The link is gone. With an epoch below the current one it says nothing about the node: a newer link is up. */
  closeSession(link: LinkRef, end: LinkEnd): Promise<void>;
  status(link: LinkRef, status: StatusMessage): Promise<void>;
  /** A new link key that both keys have signed (rule KEYS9). True: it is stored, and taken from now on beside the old one. */
  rotateLinkKey(link: LinkRef, change: { readonly before: string; readonly next: string }): Promise<boolean>;
  /** A new receipt key, checked and stored (rule KEYS27). The version that counts now; null: the node is not here any more. */
  receiptStep(link: LinkRef, step: SignedReceiptStep): Promise<number | null>;
}

/** An enrolment whose two keys are proven: `linkKey` by the handshake, `receiptKey` by its proof (rule ENROL5). */
export interface EnrolRequest {
  readonly tokenId: string;
  /** The secret itself, base64url; compare its SHA-256 in constant time (rule ENROL3). Never log it. */
  readonly secret: string;
  readonly linkKey: string;
  readonly receiptKey: string;
  readonly hostName: string;
  readonly agentVersion: string;
  readonly os: string;
  readonly address: string;
}

export type EnrolResult =
  | ({ readonly ok: true } & Pick<EnrolledMessage, 'nodeId' | 'authorityKeys' | 'authoritySteps' | 'labels' | 'roles'>)
  | {
      readonly ok: false;
      readonly code: 'TOKEN_UNKNOWN' | 'TOKEN_EXPIRED' | 'TOKEN_USED_UP' | 'TOKEN_WRONG_HOST' | 'ENROLMENT_REFUSED';
      readonly detail: string;
    };

export interface EnrolPort {
  /**
   * Token, node and audit entry in one transaction (rule ENROL4). The same token, link key and receipt key again is
   * the same enrolment whose answer was lost on the way: it gives the same node again and uses the token no second time.
   */
  enrol(request: EnrolRequest): Promise<EnrolResult>;
}

/** What was refused before a node was known, for log and audit (A2011W, A2022W). Must not block, must not throw. */
export interface RefusalPort {
  refused(refusal: LinkRefusal): void;
}

export interface LinkRefusal {
  readonly mode: 'node' | 'enrol' | 'unknown';
  /** As claimed by the other end; not proven. Empty when it claimed none. */
  readonly claimedNodeId: string;
  readonly address: string;
  readonly code: number;
  /** The true reason, for us only (rule HELLO3). */
  readonly why: string;
}

export interface RunPort {
  /** Orders of the node without a receipt and not expired, as compact JWS, oldest first (rule ORDER9). Asked after each `status`. */
  pendingOrders(link: LinkRef): Promise<readonly string[]>;
  orderTaken(link: LinkRef, order: string): Promise<void>;
  /** For the eye only (rule ORDER11). */
  progress(link: LinkRef, progress: ProgressMessage): Promise<void>;
  /** What the programs of an order printed, for the eye (rule ORDER15). */
  output(link: LinkRef, output: OutputMessage): Promise<void>;
  /** Checks and stores (rule ORDER7). The order's id: stored, now or before (rule ORDER8), and acknowledged. Null: not believed, not acknowledged. */
  receipt(link: LinkRef, jws: string): Promise<string | null>;
}

/** Key of a chunk: with the node it is unique (rule METRIC2). */
export interface ChunkAck {
  readonly boot: string;
  readonly seq: number;
}

export interface MetricPort {
  /** `list` is any JSON; the service parses it. */
  series(link: LinkRef, list: unknown): Promise<void>;
  /** The bytes belong to the callee. */
  live(link: LinkRef, frame: Uint8Array): void;
  /** Resolves after the commit with the key to acknowledge; null when the chunk is damaged: counted, not acknowledged. */
  chunk(link: LinkRef, chunk: Uint8Array): Promise<ChunkAck | null>;
}

export interface InventoryPort {
  inventory(link: LinkRef, message: InventoryMessage): Promise<void>;
}

export interface ShellPort {
  opened(link: LinkRef, session: string): Promise<void>;
  refused(
    link: LinkRef,
    refusal: { readonly session: string; readonly code: string; readonly detail: string },
  ): Promise<void>;
  /** A frame from the node (output, exit); the body belongs to the callee. The service checks that the session is this node's. */
  frame(link: LinkRef, frame: ShellFrame): void;
  /** The link is gone: viewers wait for the node to come back (rule SHELL5). */
  linkLost(link: LinkRef): void;
}

export interface RecordingPort {
  /** Resolves after the commit with what to acknowledge; null when signature, chain or hash is wrong (rule SHELL8). */
  chunk(
    link: LinkRef,
    chunk: { readonly jws: string; readonly data: Uint8Array },
  ): Promise<{ readonly session: string; readonly index: number } | null>;
}

export interface AreaPort {
  /** Something in these areas changed (rule AREA3): a hint, bounded by the service, of which nothing is stored here. */
  changed(link: LinkRef, areas: AreasChangedMessage['areas']): void;
}

export interface AuditPort {
  /** After each `status`: what the node keeps (rule AUDIT3). Gives the newest head, for the node to keep; null: there is none yet. */
  seen(link: LinkRef, auditHead: string | null): Promise<string | null>;
}

export interface TrustPort {
  /**
   * The node holds this version of the policy bundle and obeys this authority key: what it lacks, oldest first (rules
   * BUNDLE4, KEYS18). Asked after each `status`. `isAll`: with these it lacks nothing.
   */
  nodeStatus(
    nodeId: NodeId,
    held: { readonly version: number; readonly authority: number; readonly linkKey: string },
  ): Promise<{ readonly items: readonly TrustItem[]; readonly isAll: boolean }>;
  /** From a link key of this controller to the newest one (rules KEYS20, KEYS21); none from that one, or from a stranger's. */
  linkSteps(pinned: string): readonly LinkItem[];
}

/** Fields first, then a fixed sentence. */
export interface GatewayLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface GatewayPorts {
  readonly nodes: NodePort;
  readonly enrolment: EnrolPort;
  readonly refusals: RefusalPort;
  readonly runs: RunPort;
  readonly metrics: MetricPort;
  readonly inventory: InventoryPort;
  readonly areas: AreaPort;
  readonly shells: ShellPort;
  readonly recordings: RecordingPort;
  readonly trust: TrustPort;
  readonly audit: AuditPort;
}

/**
 * `sent`: on its way. `stop`: on its way, but more than 8 MiB wait: send no more until `onceDrained` calls (rule
 * TRANS5). `closed`: not sent, the link is gone.
 */
export type SendOutcome = 'sent' | 'stop' | 'closed';

/** A live link to one node, for services to send through. Safe to keep: after the end every send says `closed`. */
export interface NodeLink extends LinkRef {
  readonly isOpen: boolean;
  readonly bufferedBytes: number;
  sendOrder(jws: string): SendOutcome;
  /** Consecutive versions of the policy bundle and authority key; nothing is sent for an empty list. */
  sendBundles(items: readonly TrustItem[]): SendOutcome;
  /** Input, resize, credit, close, attach. */
  sendShell(frame: ShellFrame): SendOutcome;
  /** Rule METRIC4: lapses on the node after 60 s unless repeated. */
  watch(periodMs: 1000 | 10_000): SendOutcome;
  /** Null: all sections. */
  refreshInventory(sections: readonly string[] | null): SendOutcome;
  /** Rule AREA1. */
  watchAreas(areas: readonly string[]): SendOutcome;
  /** Rule KEYS21; nothing is sent for an empty list. */
  sendLinkSteps(items: readonly LinkItem[]): SendOutcome;
  /** Rule AUDIT1. */
  sendAuditHead(jws: string): SendOutcome;
  /** Calls once, as soon as less than 8 MiB wait (at once if so already) or the link is gone. */
  onceDrained(callback: () => void): void;
  /** 4401 for a removed node, 4402 for a revoked one, 4412 for one of two copies, 1000 otherwise. */
  close(code: 1000 | 4401 | 4402 | 4412, why: string): void;
}

/** Links that are up in this controller. */
export interface NodeLinks {
  /** The current link of a node, or null when it is not connected here. */
  find(nodeId: NodeId): NodeLink | null;
  all(): readonly NodeLink[];
}
