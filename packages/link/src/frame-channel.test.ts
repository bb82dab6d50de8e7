import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  LIMITS,
  parseAgentMessage,
  parseControllerMessage,
  type AgentMessage,
  type ControllerMessage,
} from '@hauban/shared/protocol';
import { FakeClock } from '@hauban/shared/testing';
import { createFrameChannel, type ChannelEnd, type Echo, type FrameChannel } from './frame-channel.ts';
import { deriveLinkKeys } from './link-keys.ts';
import type { Transport } from './transport.ts';

/** A transport that keeps what is sent until the test lets it pass. */
class HeldTransport implements Transport {
  readonly waiting: { bytes: Uint8Array; written: (() => void) | undefined }[] = [];
  closed: string | null = null;
  isPaused = false;
  send(bytes: Uint8Array, written?: () => void): void {
    this.waiting.push({ bytes, written });
  }
  close(code: number, reason: string): void {
    this.closed = `${code} ${reason}`;
  }
  destroy(): void {
    this.closed = 'destroyed';
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  get bufferedBytes(): number {
    return this.waiting.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }
  /** Lets everything that waits go to `other`. */
  deliver(other: FrameChannel): void {
    for (const { bytes, written } of this.waiting.splice(0)) {
      written?.();
      other.receive(bytes);
    }
  }
}

interface Side {
  readonly transport: HeldTransport;
  readonly channel: FrameChannel;
  readonly control: { t: string }[];
  readonly bodies: [number, string][];
  readonly echoes: Echo[];
  readonly ends: ChannelEnd[];
}

let clock: FakeClock;
let node: Side;
let controller: Side;

function side(which: 'node' | 'controller', keys: ReturnType<typeof deriveLinkKeys>): Side {
  const transport = new HeldTransport();
  const other = which === 'node' ? 'controller' : 'node';
  const made = {
    transport,
    control: [] as { t: string }[],
    bodies: [] as [number, string][],
    echoes: [] as Echo[],
    ends: [] as ChannelEnd[],
  };
  const channel = createFrameChannel<AgentMessage | ControllerMessage>({
    transport,
    keys: { send: keys[which], receive: keys[other] },
    clock,
    parse: which === 'node' ? parseControllerMessage : parseAgentMessage,
    events: {
      control: (message) => made.control.push(message),
      body: (type, body) => made.bodies.push([type, Buffer.from(body).toString()]),
      echo: (echo) => made.echoes.push(echo),
      ended: (end) => made.ends.push(end),
    },
  });
  return { ...made, channel };
}

/** Moves everything in both directions until nothing waits. */
function settle(): void {
  while (node.transport.waiting.length + controller.transport.waiting.length > 0) {
    node.transport.deliver(controller.channel);
    controller.transport.deliver(node.channel);
  }
}

beforeEach(() => {
  clock = new FakeClock();
  const keys = deriveLinkKeys(randomBytes(32), randomBytes(32));
  node = side('node', keys);
  controller = side('controller', keys);
});

describe('an established channel', () => {
  it('carries control messages and bodies in order', () => {
    node.channel.sendControl({ t: 'order.taken', order: '00000000-0000-4000-8000-000000000001' });
    node.channel.send(2, Buffer.from('live'));
    controller.channel.sendControl({ t: 'watch', periodMs: 1000 });
    settle();
    expect(controller.control).toHaveLength(1);
    expect(controller.bodies).toEqual([[2, 'live']]);
    expect(node.control).toEqual([{ t: 'watch', periodMs: 1000 }]);
    expect(node.channel.counts).toMatchObject({ framesOut: 2, framesIn: 1 });
  });

  it('counts and ignores a message of a type that it does not know', () => {
    controller.channel.sendControl({ t: 'from.the.future', x: 1 });
    settle();
    expect(node.channel.counts.unknownMessages).toBe(1);
    expect(node.control).toEqual([]);
    expect(node.channel.isOpen).toBe(true);
  });

  it.each([
    ['not a message', [1, 2]],
    ['a known type with a wrong field', { t: 'watch', periodMs: 7 }],
    ['an extra field', { t: 'watch', periodMs: 1000, more: 1 }],
  ])('closes 4400 on %s', (_name, message) => {
    controller.channel.sendControl(message);
    settle();
    expect(node.ends).toMatchObject([{ code: 4400, by: 'us' }]);
    expect(node.transport.closed).toMatch(/^4400 /);
  });

  it('closes 4403 on a replayed frame and uses nothing of it', () => {
    node.channel.send(2, Buffer.from('once'));
    const first = node.transport.waiting[0]?.bytes ?? new Uint8Array(0);
    settle();
    controller.channel.receive(first);
    expect(controller.bodies).toEqual([[2, 'once']]);
    expect(controller.ends).toMatchObject([{ code: 4403 }]);
    controller.channel.receive(first);
    expect(controller.ends).toHaveLength(1);
  });

  it('pings after 15 s of silence, is answered, and learns the other clock', () => {
    clock.advance(LIMITS.pingAfterMs);
    settle();
    expect(node.echoes).toEqual([{ roundTripMs: 0, theirNowMs: clock.nowMs(), ourNowMs: clock.nowMs() }]);
    clock.advance(LIMITS.deadAfterMs * 3);
    // Nobody delivered anything meanwhile.
    expect(node.ends).toMatchObject([{ code: 1006, by: 'us' }]);
  });

  it('does not ping while it sends, and lives as long as something comes', () => {
    for (let i = 0; i < 30; i += 1) {
      node.channel.send(2, Buffer.from('tick'));
      settle();
      clock.advance(10_000);
    }
    expect(node.echoes).toEqual([]);
    expect(controller.echoes.length).toBeGreaterThan(15);
    expect([node.ends, controller.ends]).toEqual([[], []]);
  });

  it('takes a peer that says nothing for 40 s for dead, without a closing handshake', () => {
    clock.advance(LIMITS.deadAfterMs - 1);
    expect(node.ends).toEqual([]);
    clock.advance(1);
    expect(node.ends).toMatchObject([{ code: 1006, by: 'us' }]);
    expect(node.transport.closed).toBe('destroyed');
  });

  it('does not take the peer for dead while it itself does not read', () => {
    node.channel.pauseReading();
    expect(node.transport.isPaused).toBe(true);
    clock.advance(LIMITS.deadAfterMs * 2);
    node.channel.resumeReading();
    clock.advance(LIMITS.deadAfterMs - 1);
    expect(node.ends).toEqual([]);
    clock.advance(LIMITS.pingAfterMs);
    expect(node.ends).toMatchObject([{ code: 1006 }]);
  });

  it('says stop at 8 MiB, calls once drained, and closes 4409 at 32 MiB', () => {
    const body = new Uint8Array(LIMITS.bodyBytes);
    let calls = 0;
    for (let i = 0; i < 7; i += 1) expect(node.channel.send(4, body)).toBe('sent');
    expect(node.channel.send(4, body)).toBe('stop');
    node.channel.onceDrained(() => (calls += 1));
    expect(calls).toBe(0);
    settle();
    expect(calls).toBe(1);
    expect(node.channel.send(4, body)).toBe('sent');
    node.channel.onceDrained(() => (calls += 1));
    expect(calls).toBe(2);
    let outcome = node.channel.send(4, body);
    for (let i = 0; i < 40 && outcome !== 'closed'; i += 1) outcome = node.channel.send(4, body);
    expect(node.ends).toMatchObject([{ code: 4409 }]);
    expect(node.transport.bufferedBytes).toBeLessThan(LIMITS.bufferCloseBytes + LIMITS.messageBytes);
  });

  it('wakes who waits for room when it ends', () => {
    const body = new Uint8Array(LIMITS.bodyBytes);
    while (node.channel.send(4, body) === 'sent');
    let isCalled = false;
    node.channel.onceDrained(() => (isCalled = true));
    node.channel.transportClosed(1006);
    expect(isCalled).toBe(true);
    expect(node.channel.send(4, body)).toBe('closed');
  });

  it('closes 4400 on a text message', () => {
    node.channel.receiveText();
    expect(node.transport.closed).toMatch(/^4400 /);
  });

  it('closes 4410 when its keys are used up, before a number would be used twice', () => {
    const { node: own, controller: other } = deriveLinkKeys(randomBytes(32), randomBytes(32));
    const transport = new HeldTransport();
    const ends: ChannelEnd[] = [];
    const channel = createFrameChannel<AgentMessage>({
      transport,
      keys: { send: own, receive: other },
      clock,
      parse: parseAgentMessage,
      sequenceEnd: 2,
      events: { control: () => undefined, body: () => undefined, ended: (end) => ends.push(end) },
    });
    const outcomes = [1, 2, 3, 4].map(() => channel.send(2, Buffer.from('x')));
    expect(outcomes.at(-1)).toBe('closed');
    expect(outcomes.filter((one) => one === 'sent').length).toBe(transport.waiting.length);
    expect(ends).toMatchObject([{ code: 4410, by: 'us' }]);
  });

  it('ends once, leaves no timer, and calls nothing afterwards', () => {
    node.channel.close(1000, 'done');
    node.channel.close(4400, 'again');
    node.channel.transportClosed(1006);
    controller.channel.send(2, Buffer.from('x'));
    settle();
    expect(node.ends).toEqual([{ code: 1000, why: 'done', by: 'us' }]);
    expect(node.bodies).toEqual([]);
    controller.channel.close(1000, 'done');
    expect(clock.pending).toBe(0);
  });

  it('ignores a pong that answers no ping', () => {
    controller.channel.sendControl({ t: 'pong', sentAt: 0, at: 1 });
    settle();
    expect(node.echoes).toEqual([]);
    expect(node.channel.isOpen).toBe(true);
  });
});
