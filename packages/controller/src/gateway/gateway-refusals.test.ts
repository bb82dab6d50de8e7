import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { FRAME_TYPES, type NodeId } from '@hauban/shared/protocol';
import { createGateway, type GatewayDeps } from './gateway.ts';
import { NodeSession, type NodeSessionDeps } from './node-session.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

describe('a controller that is stopping', () => {
  it('takes no new link', async () => {
    const gateway = createGateway({} as GatewayDeps);
    const server = createServer();
    gateway.attach(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    cleanUps.push(() => new Promise((done) => void server.close(done)));
    await gateway.close();
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    cleanUps.push(() => socket.destroy());
    socket.write('GET /link HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    const answer = await new Promise<string>((done) => socket.once('data', (data) => done(String(data))));
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
  });
});

describe('a node whose link is up', () => {
  /** What the channel is closed with. */
  function start(): { readonly session: NodeSession; readonly closed: string[] } {
    const closed: string[] = [];
    const channel = { isOpen: true, close: (code: number, why: string) => void closed.push(`${code} ${why}`) };
    const deps = { channel, ports: {}, log: { error: () => undefined, warn: () => undefined } };
    const ref = { nodeId: 'n' as NodeId, session: 's', epoch: 1 };
    return { session: new NodeSession(ref, deps as unknown as NodeSessionDeps), closed };
  }

  it('LIFE2 says nothing before its status: no message and no frame', () => {
    const early = start();
    early.session.control({ t: 'order.taken', order: 'o' }, 10);
    expect(early.closed).toEqual(['4400 order.taken before status']);
    const frame = start();
    frame.session.body(FRAME_TYPES.shell, new Uint8Array(20));
    expect(frame.closed).toEqual(['4400 a frame before status']);
  });

  it('cannot enrol once more over it', () => {
    const known = start();
    known.session.control({ t: 'status' } as Parameters<NodeSession['control']>[0], 10);
    known.session.control({ t: 'enrol' } as Parameters<NodeSession['control']>[0], 10);
    expect(known.closed[0]).toBe('4400 enrol in mode node');
  });
});
