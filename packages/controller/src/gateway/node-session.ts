import {
  decodeShellFrame,
  encodeShellFrame,
  FRAME_TYPES,
  SHELL_OPS,
  splitRecordingChunk,
  type AgentMessage,
  type LinkItem,
  type NodeId,
  type ShellFrame,
  type SignedReceiptStep,
  type TrustItem,
} from '@hauban/shared/protocol';
import { isKeyRotationBy, type BodyType, type ChannelEnd, type ControlOf, type FrameChannel } from '@hauban/link';
import type { RegisteredLink } from './link-registry.ts';
import type { KeyRotateMessage, GatewayLog, GatewayPorts, LinkRef, SendOutcome, StatusMessage } from './ports.ts';
import { createWorkQueue, type WorkQueue } from './work-queue.ts';

/** The others wait for the next link, as those for a node that is away. */
const MOST_EARLY = 200;

/** Messages of a node that is up. `enrol` belongs to another mode and is refused here. */
type Message = ControlOf<AgentMessage>;

/** What the node has said so far (rule LIFE2): nothing, its status, or also its list of series. */
type Introduced = 'nothing' | 'status' | 'series';

export interface NodeSessionDeps {
  readonly channel: FrameChannel;
  readonly ports: GatewayPorts;
  readonly log: GatewayLog;
}

/**
 * One node whose link is up: hands its messages to the services in order, and sends for them. It does not own the
 * channel's end: the link session that made it passes on what arrives and says when it is over.
 */
export class NodeSession implements RegisteredLink {
  readonly nodeId: NodeId;
  readonly session: string;
  readonly epoch: number;
  readonly #ref: LinkRef;
  readonly #channel: FrameChannel;
  readonly #ports: GatewayPorts;
  readonly #log: GatewayLog;
  readonly #queue: WorkQueue;
  #introduced: Introduced = 'nothing';
  /** Orders until the node has said which keys it knows, and got those that it lacks (rule KEYS18); then null. */
  #early: string[] | null = [];

  constructor(ref: LinkRef, deps: NodeSessionDeps) {
    this.nodeId = ref.nodeId;
    this.session = ref.session;
    this.epoch = ref.epoch;
    this.#ref = ref;
    this.#channel = deps.channel;
    this.#ports = deps.ports;
    this.#log = deps.log;
    this.#queue = createWorkQueue({
      full: () => deps.channel.pauseReading(),
      room: () => deps.channel.resumeReading(),
      failed: (error) => {
        deps.log.error({ nodeId: ref.nodeId, err: error }, 'a message of a node could not be taken');
        deps.channel.close(1011, 'a fault of the controller');
      },
    });
  }

  get isOpen(): boolean {
    return this.#channel.isOpen;
  }

  get bufferedBytes(): number {
    return this.#channel.bufferedBytes;
  }

  sendOrder(jws: string): SendOutcome {
    if (this.#early === null) return this.#channel.sendControl({ t: 'order', jws });
    if (!this.#channel.isOpen || this.#early.length >= MOST_EARLY) return 'closed';
    this.#early.push(jws);
    return 'sent';
  }

  sendBundles(items: readonly TrustItem[]): SendOutcome {
    return items.length === 0 ? 'sent' : this.#channel.sendControl({ t: 'bundles', items: [...items] });
  }

  sendShell(frame: ShellFrame): SendOutcome {
    return this.#channel.send(FRAME_TYPES.shell, encodeShellFrame(frame));
  }

  watch(periodMs: 1000 | 10_000): SendOutcome {
    return this.#channel.sendControl({ t: 'watch', periodMs });
  }

  refreshInventory(sections: readonly string[] | null): SendOutcome {
    return this.#channel.sendControl({ t: 'inventory.refresh', sections });
  }

  watchAreas(areas: readonly string[]): SendOutcome {
    return this.#channel.sendControl({ t: 'areas.watch', areas });
  }

  sendLinkSteps(items: readonly LinkItem[]): SendOutcome {
    return items.length === 0 ? 'sent' : this.#channel.sendControl({ t: 'link.steps', items: [...items] });
  }

  sendAuditHead(jws: string): SendOutcome {
    return this.#channel.sendControl({ t: 'audit.head', jws });
  }

  onceDrained(callback: () => void): void {
    this.#channel.onceDrained(callback);
  }

  close(code: Parameters<RegisteredLink['close']>[0], why: string): void {
    this.#channel.close(code, why);
  }

  replaced(): void {
    this.#channel.close(4411, 'a newer link of the same node is up');
  }

  /** The channel has ended. Work that runs goes on to its end, what waits is dropped: the node repeats it. */
  async ended(end: ChannelEnd): Promise<void> {
    this.#queue.stop();
    this.#ports.shells.linkLost(this.#ref);
    await this.#ports.nodes.closeSession(this.#ref, { code: end.code, why: end.why });
  }

  /** A control message, its size for the account of what waits. */
  control(message: Message, bytes: number): void {
    if (this.#introduced === 'nothing' && message.t !== 'status') {
      this.#channel.close(4400, `${message.t} before status`);
      return;
    }
    if (message.t === 'enrol') {
      this.#channel.close(4400, 'enrol in mode node');
      return;
    }
    this.#queue.add(bytes, () => this.#take(message));
    if (message.t === 'status' && this.#introduced === 'nothing') this.#introduced = 'status';
    if (message.t === 'series') this.#introduced = 'series';
  }

  async #take(message: Exclude<Message, { t: 'enrol' }>): Promise<void> {
    const { nodes, runs, metrics, inventory, areas, shells } = this.#ports;
    const link = this.#ref;
    switch (message.t) {
      case 'status':
        await nodes.status(link, message);
        return this.#status(message);
      case 'series':
        return metrics.series(link, message.list);
      case 'order.taken':
        return runs.orderTaken(link, message.order);
      case 'progress':
        return runs.progress(link, message);
      case 'output':
        return runs.output(link, message);
      case 'key.rotate':
        return this.#rotate(message);
      case 'receipt':
        return this.#receipt(message.jws);
      case 'receipt-key.step':
        return this.#receiptKey(message.step);
      case 'inventory':
        return inventory.inventory(link, message);
      case 'areas.changed':
        return areas.changed(link, message.areas);
      case 'shell.opened':
        return shells.opened(link, message.session);
      case 'shell.refused':
        return shells.refused(link, message);
    }
  }

  async #status({ bundle: version, authority, controllerKey, auditHead }: StatusMessage): Promise<void> {
    const { trust } = this.#ports;
    const lacking = await trust.nodeStatus(this.nodeId, { version, authority, linkKey: controllerKey });
    // First: the head of the audit log that comes last is by the newest key.
    this.sendLinkSteps(trust.linkSteps(controllerKey));
    this.sendBundles(lacking.items);
    // A node that follows a long way says so again; orders by a key that it does not know yet would be refused.
    if (lacking.isAll) await this.#sendPending();
    return this.#auditHead(auditHead);
  }

  /** What was held back for the keys, and what waits in the database; the same order may be in both. */
  async #sendPending(): Promise<void> {
    const early = this.#early ?? [];
    this.#early = null;
    for (const jws of new Set([...early, ...(await this.#ports.runs.pendingOrders(this.#ref))])) this.sendOrder(jws);
  }

  async #auditHead(kept: string | null): Promise<void> {
    const newest = await this.#ports.audit.seen(this.#ref, kept);
    if (newest !== null) this.sendAuditHead(newest);
  }

  /** Rule KEYS8: both keys say so, and they are this node's. */
  async #rotate({ linkKey, before, byCurrent, byNext }: KeyRotateMessage): Promise<void> {
    const of = { nodeId: this.nodeId, before, next: linkKey };
    const isProven = (await isKeyRotationBy(byCurrent, before, of)) && (await isKeyRotationBy(byNext, linkKey, of));
    const isTaken = isProven && (await this.#ports.nodes.rotateLinkKey(this.#ref, { before, next: linkKey }));
    if (isTaken) this.#channel.sendControl({ t: 'key.rotated', linkKey });
    else {
      this.#log.warn({ nodeId: this.nodeId }, 'a new link key of a node was refused');
      this.#channel.sendControl({ t: 'key.refused', linkKey, code: 'LINK_KEY_REFUSED' });
    }
  }

  /** Rule KEYS28: the node is told where this side is, whether its step was taken or not. */
  async #receiptKey(step: SignedReceiptStep): Promise<void> {
    const version = await this.#ports.nodes.receiptStep(this.#ref, step);
    if (version !== null) this.#channel.sendControl({ t: 'receipt-key.held', version });
  }

  async #receipt(jws: string): Promise<void> {
    const order = await this.#ports.runs.receipt(this.#ref, jws);
    if (order !== null) this.#channel.sendControl({ t: 'receipt.ack', order });
  }

  /** A body that is not a control message; it belongs to us. */
  body(type: BodyType, body: Uint8Array): void {
    if (this.#introduced === 'nothing') {
      this.#channel.close(4400, 'a frame before status');
      return;
    }
    switch (type) {
      case FRAME_TYPES.live:
        return this.#live(body);
      case FRAME_TYPES.chunk:
        return this.#queue.beside(body.length, () => this.#chunk(body));
      case FRAME_TYPES.shell:
        return this.#shell(body);
      case FRAME_TYPES.recording:
        return this.#queue.beside(body.length, () => this.#recording(body));
    }
  }

  #live(body: Uint8Array): void {
    if (this.#introduced === 'series') this.#ports.metrics.live(this.#ref, body);
    else this.#channel.close(4400, 'a live frame before series');
  }

  async #chunk(body: Uint8Array): Promise<void> {
    const key = await this.#ports.metrics.chunk(this.#ref, body);
    if (key === null) this.#log.warn({ nodeId: this.nodeId }, 'a damaged chunk of metrics was not taken');
    else this.#channel.sendControl({ t: 'chunk.ack', boot: key.boot, seq: key.seq });
  }

  /** A node sends output and exit; anything else is the controller's to send. */
  #shell(body: Uint8Array): void {
    const frame = decodeShellFrame(body);
    if (frame !== null && (frame.op === SHELL_OPS.output || frame.op === SHELL_OPS.exit))
      this.#ports.shells.frame(this.#ref, frame);
    else this.#channel.close(4400, 'a shell frame that a node may not send');
  }

  async #recording(body: Uint8Array): Promise<void> {
    const chunk = splitRecordingChunk(body);
    const key = chunk === null ? null : await this.#ports.recordings.chunk(this.#ref, chunk);
    if (key === null) this.#log.warn({ nodeId: this.nodeId }, 'a chunk of a recording was not taken');
    else this.#channel.sendControl({ t: 'recording.ack', session: key.session, index: key.index });
  }
}
