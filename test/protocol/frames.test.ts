import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFrameSealer, deriveLinkKeys, type DirectionKey } from '@hauban/link';
import { FRAME_TYPES, LIMITS } from '@hauban/shared/protocol';
import { FakeController } from '../support/fake-controller.ts';
import { FakeNode, STATUS } from '../support/fake-node.ts';
import { waitFor } from '../support/wait-for.ts';

let controller: FakeController;
let node: FakeNode;

beforeEach(async () => {
  controller = await FakeController.start();
  node = await FakeNode.up(controller);
});
afterEach(async () => {
  await node.peer.close();
  await controller.stop();
});

const endCode = async (): Promise<number> => (await node.peer.ended).code;
const ORDER = '00000000-0000-4000-8000-000000000001';

/** A proxy that ends TLS sees every frame; each test is one thing that it could do. */
describe('frames', () => {
  it('FRAME1 keys differ by direction: a frame of the controller sent back to it is refused', async () => {
    const echoed = await new Promise<Buffer>((resolve) => {
      node.peer.socket.once('message', (data: Buffer) => resolve(data));
      node.say({ t: 'ping', sentAt: 1 } as never);
    });
    node.peer.send(echoed);
    expect(await endCode()).toBe(4403);
  });

  it('FRAME1 keys come from this handshake: a frame of another link of the same node is refused', async () => {
    const other = await FakeNode.up(controller);
    node.peer.send(other.frame(2, 'from elsewhere'));
    expect(await endCode()).toBe(4403);
    await other.peer.close();
  });

  it('FRAME2 layout: type, 32-bit sequence, ciphertext as long as the body, 16-byte tag', () => {
    const key: DirectionKey = deriveLinkKeys(Buffer.alloc(32, 1), Buffer.alloc(32, 2)).node;
    const sealer = createFrameSealer(key);
    sealer.seal(1, Buffer.from('first'));
    const frame = sealer.seal(4, Buffer.from('second'));
    expect(frame?.[0]).toBe(4);
    expect(frame?.readUInt32BE(1)).toBe(1);
    expect(frame?.length).toBe(5 + 6 + 16);
    // The same key, sequence and body: one known text, so that another implementation can compare.
    expect(frame?.toString('hex')).toBe(createTwice(key)?.toString('hex'));
  });

  it('FRAME3 a replayed frame closes 4403 and is not used again', async () => {
    const frame = node.frame(1, JSON.stringify({ t: 'order.taken', order: ORDER }));
    node.peer.send(frame);
    node.peer.send(frame);
    expect(await endCode()).toBe(4403);
    await waitFor('the end', () => controller.told.ends.length === 1);
    expect(controller.told.taken.length).toBeLessThanOrEqual(1);
  });

  it('FRAME3 two frames in the other order close 4403, and neither is used', async () => {
    const [first, second] = [node.frame(2, 'first'), node.frame(2, 'second')];
    node.peer.send(second);
    node.peer.send(first);
    expect(await endCode()).toBe(4403);
    expect(controller.told.live).toEqual([]);
  });

  it('FRAME3 a frame after a dropped one closes 4403', async () => {
    node.frame(2, 'dropped on the way');
    node.send(2, 'next');
    expect(await endCode()).toBe(4403);
    expect(controller.told.live).toEqual([]);
  });

  it.each<[string, (frame: Buffer) => Buffer]>([
    ['one altered bit of the body', (frame) => flip(frame, 7)],
    ['an altered tag', (frame) => flip(frame, frame.length - 1)],
    ['an altered type', (frame) => Buffer.concat([Buffer.from([3]), frame.subarray(1)])],
    ['an unknown type', (frame) => Buffer.concat([Buffer.from([6]), frame.subarray(1)])],
    ['type 0', (frame) => Buffer.concat([Buffer.from([0]), frame.subarray(1)])],
    ['a cut end', (frame) => frame.subarray(0, -3)],
    ['nothing in it', () => Buffer.alloc(0)],
  ])('FRAME3 a frame with %s closes 4403', async (_name, alter) => {
    node.peer.send(alter(node.frame(2, 'a live frame')));
    expect(await endCode()).toBe(4403);
    expect(controller.told.live).toEqual([]);
    expect(controller.told.chunks).toEqual([]);
  });

  it('FRAME3 an injected frame in clear text closes 4403', async () => {
    const header = Buffer.from([1, 0, 0, 0, 2]);
    node.peer.send(Buffer.concat([header, Buffer.from(JSON.stringify(STATUS)), Buffer.alloc(16)]));
    expect(await endCode()).toBe(4403);
  });

  it('FRAME4 a body of 1 MiB passes, one byte more is refused', async () => {
    node.send(3, Buffer.alloc(LIMITS.bodyBytes, 'b 1 '));
    await waitFor('the large chunk', () => controller.told.chunks.length === 1);
    expect(controller.told.chunks[0]?.length).toBe(LIMITS.bodyBytes);
    expect(() => node.frame(3, Buffer.alloc(LIMITS.bodyBytes + 1))).toThrow(RangeError);
    node.peer.send(Buffer.alloc(LIMITS.bodyBytes + 22, 3));
    expect(await endCode()).toBe(4413);
  });

  it('FRAME4 keys are not used up: sealing ends before the sequence does', () => {
    const sealer = createFrameSealer(deriveLinkKeys(Buffer.alloc(32, 1), Buffer.alloc(32)).node, 3);
    expect([1, 2, 3].map(() => sealer.seal(2, Buffer.from('x')) === null)).toEqual([false, false, true]);
    expect(LIMITS.sequenceEnd).toBe(2 ** 31);
  });

  it.each([
    ['no JSON', '{'],
    ['no object', '7'],
    ['no type', '{"x":1}'],
    ['a known type with a missing field', '{"t":"receipt"}'],
    ['a known type with an extra field', `{"t":"order.taken","order":"${ORDER}","more":1}`],
    ['a message of the other side', '{"t":"order","jws":"a.b.c"}x'],
    ['an enrolment in mode node', JSON.stringify({ t: 'enrol' })],
  ])('FRAME5 a control body with %s closes 4400', async (_name, body) => {
    node.peer.send(node.frame(FRAME_TYPES.control, body));
    expect(await endCode()).toBe(4400);
  });

  it.each([
    ['input', 2],
    ['attach', 7],
    ['no operation', 0],
    ['an unknown operation', 8],
  ])('FRAME5 a shell frame with %s from a node closes 4400', async (_name, op) => {
    node.send(4, Buffer.concat([Buffer.from([op]), Buffer.alloc(16), Buffer.from('ls\n')]));
    expect(await endCode()).toBe(4400);
    expect(controller.told.frames).toEqual([]);
  });

  it('FRAME6 a well-formed message of an unknown type is ignored, the link lives on', async () => {
    node.say({ t: 'from.the.future', more: { x: 1 } } as never);
    node.say({ t: 'order.taken', order: ORDER });
    await waitFor('the message after it', () => controller.told.taken.length === 1);
    expect(node.peer.socket.readyState).toBe(node.peer.socket.OPEN);
  });
});

const flip = (frame: Buffer, at: number): Buffer => {
  const out = Buffer.from(frame);
  out[at] = (out[at] ?? 0) ^ 1;
  return out;
};

function createTwice(key: DirectionKey): Buffer | null {
  const sealer = createFrameSealer(key);
  sealer.seal(1, Buffer.from('another first'));
  return sealer.seal(4, Buffer.from('second'));
}
