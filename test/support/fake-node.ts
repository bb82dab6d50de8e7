import { FRAME_TYPES, type AgentMessage, type ControllerMessage } from '@hauban/shared/protocol';
import {
  answerWelcome,
  createFrameOpener,
  createFrameSealer,
  createKeyPair,
  startHandshake,
  systemRandom,
  type ExpectedController,
  type FrameOpener,
  type FrameSealer,
  type KeyPair,
  type ReadExporter,
} from '@hauban/link';
import type { FakeController } from './fake-controller.ts';
import { RawPeer } from './raw-peer.ts';

/** A node by hand: each step of the link is a call, so that a test can do any of them wrong. */
export class FakeNode {
  readonly peer: RawPeer;
  readonly sealer: FrameSealer;
  readonly opener: FrameOpener;

  constructor(peer: RawPeer, sealer: FrameSealer, opener: FrameOpener) {
    this.peer = peer;
    this.sealer = sealer;
    this.opener = opener;
  }

  /** Up to a proven link; in mode node the controller's `ready` is still to come. */
  static async connect(
    controller: FakeController,
    options: { nodeId?: string; key?: KeyPair; exporter?: ReadExporter; peer?: RawPeer } = {},
  ): Promise<FakeNode> {
    const key = options.key ?? createKeyPair();
    const nodeId = options.nodeId ?? controller.addNode(key.publicText);
    const peer = options.peer ?? (await RawPeer.dial(controller.url));
    const mode = nodeId === '' ? 'enrol' : 'node';
    const sent = startHandshake({ mode, nodeId, key, random: systemRandom });
    peer.send(sent.message);
    const { controllerId } = controller.identity;
    const expected: ExpectedController = { by: 'key', controllerId, linkKey: controller.identity.key.publicText };
    const answer = answerWelcome(sent, await peer.next(), expected, options.exporter ?? (() => null));
    if (!answer.ok) throw new Error(answer.why);
    peer.send(answer.proof);
    return new FakeNode(peer, createFrameSealer(answer.keys.node), createFrameOpener(answer.keys.controller));
  }

  /** Up to a link that is up: `ready` taken, status and series sent. */
  static async up(controller: FakeController, options: { nodeId?: string; key?: KeyPair } = {}): Promise<FakeNode> {
    const node = await FakeNode.connect(controller, options);
    await node.control('ready');
    node.say(STATUS);
    node.say({ t: 'series', list: {} });
    return node;
  }

  frame(type: 1 | 2 | 3 | 4 | 5, body: Uint8Array | string): Buffer {
    const frame = this.sealer.seal(type, Buffer.from(body));
    if (frame === null) throw new Error('the keys are used up');
    return frame;
  }

  say(message: AgentMessage | { readonly t: string }): void {
    this.peer.send(this.frame(FRAME_TYPES.control, JSON.stringify(message)));
  }

  send(type: 2 | 3 | 4 | 5, body: Uint8Array | string): void {
    this.peer.send(this.frame(type, body));
  }

  /** The next frame, opened. */
  async next(): Promise<{ readonly type: number; readonly body: Buffer }> {
    const opened = this.opener.open(await this.peer.next());
    if (!opened.ok) throw new Error(opened.why);
    return opened;
  }

  /** Passes over other frames until a control message of that type comes. */
  async control<T extends ControllerMessage['t']>(type: T): Promise<Extract<ControllerMessage, { t: T }>> {
    for (;;) {
      const { type: kind, body } = await this.next();
      const message = kind === FRAME_TYPES.control ? (JSON.parse(body.toString()) as ControllerMessage) : null;
      if (message?.t === type) return message as Extract<ControllerMessage, { t: T }>;
    }
  }
}

export const STATUS: Extract<AgentMessage, { t: 'status' }> = {
  t: 'status',
  agentVersion: '0.1.0',
  hostName: 'node.test',
  boot: '00000000-0000-4000-8000-00000000000b',
  bootedAt: 1,
  isRoot: false,
  actions: [],
  policyText: '',
  spoolChunks: 0,
  shells: [],
  bundle: 0,
  authority: 1,
  controllerKey: 'A'.repeat(43),
  auditHead: null,
};
