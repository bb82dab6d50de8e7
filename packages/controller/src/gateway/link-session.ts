import { randomUUID } from 'node:crypto';
import {
  closeCodeInfo,
  LIMITS,
  parseAgentMessage,
  parseNodeId,
  type AgentMessage,
  type Hello,
  type NodeId,
} from '@hauban/shared/protocol';
import type { Clock, Random, Timer } from '@hauban/shared/time';
import {
  acceptProof,
  createFrameChannel,
  readHello,
  verifyReceiptProof,
  welcomeNode,
  type ChannelEnd,
  type ControllerIdentity,
  type ControlOf,
  type Established,
  type FrameChannel,
  type ReadExporter,
  type Refusal,
  type SentWelcome,
  type Transport,
} from '@hauban/link';
import type { LinkRegistry } from './link-registry.ts';
import { NodeSession } from './node-session.ts';
import type { EnrolMessage, EnrolResult, GatewayLog, GatewayPorts, LinkIdentity, LinkRefusal } from './ports.ts';

export interface LinkSessionDeps {
  readonly ports: GatewayPorts;
  readonly identity: ControllerIdentity;
  readonly registry: LinkRegistry;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: GatewayLog;
  /** Period of live frames that nodes are told to keep while nobody watches, ms. */
  readonly liveMs: number;
}

export interface LinkSessionStart {
  readonly transport: Transport;
  readonly address: string;
  readonly exporter: ReadExporter;
  /** Proven or gone: it no longer counts as half open. */
  settled(): void;
}

/**
 * One connection of a node, from the upgrade to its end:
 *
 *   greeting --hello--> identifying --known--> challenged --proof--> opening --epoch--> online
 *                                    (enrol: no look-up)         \-> enrolling --enrol--> closed
 *
 * A message that the state does not wait for closes 4400. Every state but `online` has the handshake's deadline.
 */
type State =
  | { readonly at: 'greeting' }
  | { readonly at: 'identifying'; readonly hello: Hello }
  | { readonly at: 'challenged'; readonly hello: Hello; readonly sent: SentWelcome }
  | { readonly at: 'opening'; readonly channel: FrameChannel }
  | { readonly at: 'enrolling'; readonly channel: FrameChannel; readonly linkKey: string; readonly hasAsked: boolean }
  | { readonly at: 'online'; readonly channel: FrameChannel; readonly node: NodeSession }
  | { readonly at: 'closed' };

export class LinkSession {
  readonly #deps: LinkSessionDeps;
  readonly #start: LinkSessionStart;
  readonly #deadline: Timer;
  #state: State = { at: 'greeting' };
  /** As claimed by the hello; for the record of a refusal. */
  #claimed: Pick<LinkRefusal, 'mode' | 'claimedNodeId'> = { mode: 'unknown', claimedNodeId: '' };

  constructor(deps: LinkSessionDeps, start: LinkSessionStart) {
    this.#deps = deps;
    this.#start = start;
    this.#deadline = deps.clock.after(LIMITS.handshakeMs, () =>
      this.#refuse(4408, `no end of the handshake within ${LIMITS.handshakeMs / 1000} s, in state ${this.#state.at}`),
    );
  }

  get at(): State['at'] {
    return this.#state.at;
  }

  /** The controller stops. */
  goAway(): void {
    this.#close(1001, 'the controller stops');
  }

  message(bytes: Uint8Array): void {
    const state = this.#state;
    switch (state.at) {
      case 'greeting':
        return this.#greet(bytes);
      case 'identifying':
        return this.#refuse(4400, 'a message before the welcome');
      case 'challenged':
        return this.#prove(state.hello, state.sent, bytes);
      case 'opening':
      case 'enrolling':
      case 'online':
        return state.channel.receive(bytes);
      case 'closed':
        return undefined;
    }
  }

  text(): void {
    const state = this.#state;
    if ('channel' in state) state.channel.receiveText();
    else this.#refuse(4400, 'a text message');
  }

  transportClosed(code: number): void {
    const state = this.#state;
    if ('channel' in state) state.channel.transportClosed(code);
    else this.#leave();
  }

  #greet(bytes: Uint8Array): void {
    const read = readHello(bytes);
    if (!read.ok) return this.#refused(read);
    const { hello } = read;
    this.#claimed = { mode: hello.mode, claimedNodeId: hello.nodeId };
    this.#state = { at: 'identifying', hello };
    const nodeId = parseNodeId(hello.nodeId);
    if (nodeId === null) return this.#welcome(read);
    this.#identify(nodeId, hello).then(
      (found) => {
        if (this.#state.at !== 'identifying') return;
        if (typeof found === 'string') this.#refuse(4401, found);
        else this.#welcome({ ...read, joined: found.joined });
      },
      (error: unknown) => this.#fault(error, 'a node could not be looked up'),
    );
    return undefined;
  }

  /** Rule HELLO3: which of the three it was is told to the log only. A revoked node hears so once it has proven its key. */
  async #identify(nodeId: NodeId, hello: Hello): Promise<LinkIdentity | string> {
    const identity = await this.#deps.ports.nodes.findLinkIdentity(nodeId);
    if (identity === null) return 'the node is not known';
    if (!identity.linkKeys.includes(hello.linkKey)) return 'the link key is not the registered one';
    return identity.isRemoved ? 'the node was removed' : identity;
  }

  #welcome(read: { readonly hello: Hello; readonly version: number; readonly joined?: number }): void {
    const { identity, random, ports } = this.#deps;
    const steps = ports.trust.linkSteps(read.hello.pinned);
    const sent = welcomeNode({ ...read, steps }, identity, random, this.#start.exporter);
    if (!sent.ok) {
      this.#refused(sent);
      return;
    }
    this.#state = { at: 'challenged', hello: read.hello, sent };
    this.#start.transport.send(sent.message);
  }

  #prove(hello: Hello, sent: SentWelcome, bytes: Uint8Array): void {
    const proven = acceptProof(sent, bytes);
    if (!proven.ok) return this.#refused(proven);
    const nodeId = parseNodeId(hello.nodeId);
    if (nodeId === null) this.#startEnrolment(proven, hello.linkKey);
    else this.#open(nodeId, proven, hello);
    return undefined;
  }

  #channel(proven: Established): FrameChannel {
    return createFrameChannel<AgentMessage>({
      transport: this.#start.transport,
      keys: { send: proven.keys.controller, receive: proven.keys.node },
      clock: this.#deps.clock,
      parse: parseAgentMessage,
      events: {
        control: (message, bytes) => this.#control(message, bytes),
        body: (type, body) => {
          const state = this.#state;
          if (state.at === 'online') state.node.body(type, body);
          else if ('channel' in state) state.channel.close(4400, 'a frame before ready');
        },
        ended: (end) => this.#ended(end),
      },
    });
  }

  #control(message: ControlOf<AgentMessage>, bytes: number): void {
    const state = this.#state;
    if (state.at === 'online') state.node.control(message, bytes);
    else if (state.at === 'enrolling' && message.t === 'enrol' && !state.hasAsked) {
      this.#state = { ...state, hasAsked: true };
      this.#enrol(state.channel, state.linkKey, message).catch((error: unknown) =>
        this.#fault(error, 'an enrolment could not be taken'),
      );
    } else if ('channel' in state) state.channel.close(4400, `${message.t} in state ${state.at}`);
  }

  #open(nodeId: NodeId, proven: Established, { join, linkKey }: Hello): void {
    const { ports } = this.#deps;
    const channel = this.#channel(proven);
    const session = randomUUID();
    this.#state = { at: 'opening', channel };
    const { address } = this.#start;
    const { version, joinMark } = proven;
    const isThere = (): boolean => this.#state.at === 'opening';
    ports.nodes.openSession({ nodeId, session, address, version, join, joinMark, linkKey, isThere }).then(
      (opened) => {
        if ('refused' in opened) this.#refuse(opened.refused, opened.why);
        else
          this.#online(
            channel,
            new NodeSession({ nodeId, session, epoch: opened.epoch }, { channel, ports, log: this.#deps.log }),
          );
      },
      (error: unknown) => this.#fault(error, 'the session of a node could not be opened'),
    );
  }

  #online(channel: FrameChannel, node: NodeSession): void {
    const { registry, clock, liveMs, ports } = this.#deps;
    if (this.#state.at !== 'opening') {
      // The node left while its epoch was raised: the session that the services know of ends at once.
      this.#endNode(node, { code: 1006, why: 'it left before it was ready', by: 'them' });
      return;
    }
    this.#settle();
    this.#state = { at: 'online', channel, node };
    if (!registry.enter(node)) {
      node.replaced();
      return;
    }
    channel.sendControl({ t: 'ready', session: node.session, epoch: node.epoch, at: clock.nowMs(), liveMs });
    ports.nodes.linkReady(node);
  }

  #startEnrolment(proven: Established, linkKey: string): void {
    this.#state = { at: 'enrolling', channel: this.#channel(proven), linkKey, hasAsked: false };
  }

  async #enrol(channel: FrameChannel, linkKey: string, message: EnrolMessage): Promise<void> {
    const { identity } = this.#deps;
    const result = await this.#askEnrolment(linkKey, message);
    if (!channel.isOpen) return;
    if (!result.ok) {
      channel.sendControl({ t: 'enrol.refused', code: result.code, detail: result.detail });
      channel.close(4401, result.code);
      return;
    }
    const { nodeId, authorityKeys, authoritySteps, labels, roles } = result;
    const { controllerId, key } = identity;
    channel.sendControl({
      t: 'enrolled',
      nodeId,
      controllerId,
      controllerKey: key.publicText,
      authorityKeys,
      authoritySteps,
      labels,
      roles,
    });
    channel.close(1000, 'enrolled');
  }

  async #askEnrolment(linkKey: string, message: EnrolMessage): Promise<EnrolResult> {
    const { receiptProof, t: _t, ...claims } = message;
    const proof = await verifyReceiptProof(receiptProof, message.receiptKey, { linkKey, tokenId: message.tokenId });
    if (!proof.ok) return { ok: false, code: 'ENROLMENT_REFUSED', detail: 'The receipt key is not proven.' };
    return this.#deps.ports.enrolment.enrol({ ...claims, linkKey, address: this.#start.address });
  }

  #refused(refusal: Refusal): void {
    this.#refuse(refusal.close, refusal.why);
  }

  /** Refuses a connection that is not up. */
  #refuse(code: number, why: string): void {
    const { at } = this.#state;
    if (at === 'closed' || at === 'online') return;
    if (at === 'greeting' || at === 'identifying' || at === 'challenged') this.#report(code, why);
    this.#close(code, why);
  }

  #report(code: number, why: string): void {
    this.#deps.ports.refusals.refused({ ...this.#claimed, address: this.#start.address, code, why });
  }

  #fault(error: unknown, message: string): void {
    this.#deps.log.error({ err: error, ...this.#claimed }, message);
    this.#close(1011, message);
  }

  #close(code: number, why: string): void {
    const state = this.#state;
    if (state.at === 'closed') return;
    if ('channel' in state) state.channel.close(code, why);
    else {
      this.#start.transport.close(code, closeCodeInfo(code).says);
      this.#leave();
    }
  }

  #ended(end: ChannelEnd): void {
    const state = this.#state;
    if (state.at === 'online') {
      this.#deps.registry.leave(state.node);
      this.#deps.log.info(
        { nodeId: state.node.nodeId, epoch: state.node.epoch, code: end.code, by: end.by, why: end.why },
        'a link has ended',
      );
      this.#endNode(state.node, end);
    } else if (end.by === 'us' && end.code >= 4400) this.#report(end.code, end.why);
    this.#leave();
  }

  #endNode(node: NodeSession, end: ChannelEnd): void {
    node
      .ended(end)
      .catch((error: unknown) =>
        this.#deps.log.error({ err: error, nodeId: node.nodeId }, 'the end of a link could not be noted'),
      );
  }

  #settle(): void {
    this.#deadline.cancel();
    this.#start.settled();
  }

  #leave(): void {
    this.#state = { at: 'closed' };
    this.#settle();
  }
}
