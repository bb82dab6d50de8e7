import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createKeyPair,
  createLocalConnection,
  planHash,
  sha256Hex,
  canonicalJson,
  signReceipt,
  signRecordingHeader,
  type LocalConnection,
} from '@hauban/link';
import { catalogueSeries, createSeriesList, seriesListToJson } from '@hauban/shared/metrics';
import {
  decodeShellFrame,
  encodeAttach,
  encodeOutput,
  encodeShellFrame,
  FRAME_TYPES,
  LIMITS,
  LOCAL_KINDS,
  SHELL_OPS,
  type Receipt,
  type ShellFrame,
} from '@hauban/shared/protocol';
import { FakeClock } from '@hauban/shared/testing';
import { FakeAgent } from '../support/fake-agent.ts';
import { FakeController } from '../support/fake-controller.ts';
import { payloadOf } from '../support/fake-services.ts';
import { FakeExecutor } from '../support/fake-executor.ts';
import { FakeNode, STATUS } from '../support/fake-node.ts';
import { waitFor } from '../support/wait-for.ts';

let clock: FakeClock;
let controller: FakeController;
let agent: FakeAgent;
const receiptKey = createKeyPair();

beforeEach(async () => {
  clock = new FakeClock();
  controller = await FakeController.start({ clock });
  agent = await FakeAgent.start(controller, { clock });
});
afterEach(async () => {
  await agent.stop();
  await controller.stop();
});

const up = () => waitFor('the link', () => agent.node.isUp && controller.told.series.length > 0);
const link = () => controller.told.ready.at(-1)!;
/** Breaks the link and waits until the node is back. */
async function relink(): Promise<void> {
  const before = controller.told.statuses.length;
  controller.cutAll();
  await waitFor('the loss', () => agent.keeper.phase === 'waiting');
  const waits = agent.log.flatMap(({ fields }) => ('delayMs' in fields ? [Number(fields.delayMs)] : []));
  clock.advance(waits.at(-1) ?? 0);
  await waitFor('the next link', () => agent.node.isUp && controller.told.statuses.length > before);
}

const receiptFor = (order: string, nodeId: string): Receipt => ({
  v: 1,
  order,
  orderHash: 'a'.repeat(64),
  node: nodeId,
  kind: 'action',
  mode: 'apply',
  outcome: 'succeeded',
  code: null,
  detail: 'done',
  plan: null,
  verification: [],
  data: null,
  startedAt: 1,
  finishedAt: 2,
});

describe('orders and receipts over the link', () => {
  it('ORDER9 an order without a receipt is repeated at each new link, until the receipt came', async () => {
    await up();
    const jws = await controller.order(agent.nodeId);
    link().sendOrder(jws);
    await waitFor('the order', () => agent.executor!.count('order') === 1);
    await relink();
    await waitFor('the order again', () => agent.executor!.count('order') === 2);
    expect(agent.executor!.seen.filter(({ t }) => t === 'order')).toEqual([
      { t: 'order', jws },
      { t: 'order', jws },
    ]);
    agent.executor!.send({
      t: 'receipt',
      jws: await signReceipt(receiptFor(String(payloadOf(jws)['id']), agent.nodeId), receiptKey),
    });
    await waitFor('the acknowledgement', () => agent.executor!.count('receipt.ack') === 1);
    await relink();
    await waitFor('the sync', () => agent.executor!.count('sync') >= 3);
    expect(agent.executor!.count('order')).toBe(2);
  });

  it('ORDER8 a receipt is repeated at each new link until it is acknowledged, and then no more', async () => {
    await up();
    const order = randomUUID();
    const jws = await signReceipt(receiptFor(order, agent.nodeId), receiptKey);
    const refusing = controller.told.receipts;
    agent.executor!.afterSync = [{ t: 'receipt', jws }];
    await relink();
    await waitFor('the receipt', () => refusing.length >= 1);
    await waitFor('its acknowledgement', () =>
      agent.executor!.seen.some((message) => message.t === 'receipt.ack' && message.order === order),
    );
    await relink();
    await waitFor('the receipt again', () => refusing.length >= 2);
    expect(new Set(refusing.map((receipt) => receipt.jws))).toEqual(new Set([jws]));
  });

  it('ORDER8 a receipt that the controller does not believe is not acknowledged', async () => {
    const doubting = await FakeController.start({
      clock,
      ports: (ports) => ({ runs: { ...ports.runs, receipt: async () => null } }),
    });
    const node = await FakeNode.up(doubting);
    node.say({ t: 'receipt', jws: 'a.b.c' });
    node.say({ t: 'ping', sentAt: 3 } as never);
    expect(JSON.parse((await node.next()).body.toString())).toMatchObject({ t: 'pong', sentAt: 3 });
    expect(node.peer.waiting).toBe(0);
    await node.peer.close();
    await doubting.stop();
  });

  it('BUNDLE4 policy bundles are handed to the executor as they came, and what it then holds is told', async () => {
    await up();
    const before = controller.told.statuses.length;
    expect(controller.told.statuses.at(-1)?.status.bundle).toBe(0);
    // The link process believes nothing of it, so nothing of it has to be right.
    const items = [{ jws: 'a.b.c', approvals: [] }];
    expect(link().sendBundles(items)).toBe('sent');
    await waitFor('the bundles', () => agent.executor!.count('bundles') === 1);
    expect(agent.executor!.seen.find(({ t }) => t === 'bundles')).toEqual({ t: 'bundles', items });
    expect(controller.told.statuses).toHaveLength(before);
    agent.executor!.facts = { ...agent.executor!.facts, bundle: 3 };
    agent.executor!.send(agent.executor!.facts);
    await waitFor('the next status', () => controller.told.statuses.length > before);
    expect(controller.told.statuses.at(-1)?.status.bundle).toBe(3);
    await relink();
    expect(controller.told.statuses.at(-1)?.status.bundle).toBe(3);
  });

  it('ORDER11 progress is passed on as it is, and so are taken and shell.refused', async () => {
    await up();
    const order = randomUUID();
    agent.executor!.send({ t: 'taken', order });
    agent.executor!.send({ t: 'progress', order, step: 'half', done: 1, total: 2 });
    agent.executor!.send({ t: 'shell.refused', session: order, code: 'POLICY_DENIED', detail: 'no' });
    await waitFor('all three', () => controller.told.shellRefusals.length === 1);
    expect(controller.told.taken).toEqual([order]);
    expect(controller.told.progress).toMatchObject([{ order, step: 'half', done: 1, total: 2 }]);
  });

  it('ORDER9 an order that comes while the executor is away starts it, or waits for it', async () => {
    await agent.stop();
    agent = await FakeAgent.start(controller, { clock, hasExecutor: false });
    await waitFor('ready', () => agent.keeper.phase === 'online');
    link().sendOrder(await controller.order(agent.nodeId));
    await waitFor('the attempt', () => agent.client.at === 'waiting');
    agent.executor = await FakeExecutor.listen(agent.executorSocket);
    clock.advance(30_000);
    // More than once: the controller repeats it after each status.
    await waitFor('the order', () => agent.executor!.count('order') >= 1);
  });

  it('ORDER9 an executor that is killed in the middle of an order is asked again; an idle one is left alone', async () => {
    await up();
    link().sendOrder(await controller.order(agent.nodeId));
    await waitFor('the order', () => agent.executor!.count('order') === 1);
    const syncs = agent.executor!.count('sync');
    agent.executor!.dropConnection();
    await waitFor('the wait', () => agent.client.at === 'waiting');
    clock.advance(30_000);
    await waitFor('the new sync', () => agent.executor!.count('sync') === syncs + 1);
    const [jws] = controller.state.pending.get(agent.nodeId) ?? [];
    const id = String(payloadOf(jws ?? '')['id']);
    agent.executor!.send({ t: 'receipt', jws: await signReceipt(receiptFor(id, agent.nodeId), receiptKey) });
    await waitFor('the acknowledgement', () => agent.executor!.count('receipt.ack') === 1);
    agent.executor!.dropConnection();
    await waitFor('idle', () => agent.client.at === 'idle');
  });

  it('ORDER10 the hash of a plan is of its canonical form', () => {
    expect(planHash([])).toBe(sha256Hex('[]'));
  });
});

describe('back pressure', () => {
  it('TRANS5 beyond 8 MiB that wait the sender is told to stop, and told when to go on', async () => {
    const node = await FakeNode.up(controller);
    await waitFor('its link', () => controller.told.ready.length >= 2 || agent.node.isUp);
    await waitFor('the status', () => controller.told.statuses.some((one) => one.link.nodeId !== agent.nodeId));
    const own = controller.told.ready.find(({ nodeId }) => nodeId !== agent.nodeId)!;
    node.peer.socket.pause();
    const frame: ShellFrame = { op: SHELL_OPS.input, session: randomUUID(), body: Buffer.alloc(1024 * 1024 - 64) };
    let sent = 1;
    while (own.sendShell(frame) === 'sent') sent += 1;
    expect(sent).toBeGreaterThanOrEqual(8);
    expect(own.bufferedBytes).toBeGreaterThan(0);
    const drained = new Promise<void>((resolve) => own.onceDrained(resolve));
    node.peer.socket.resume();
    await drained;
    expect(own.sendShell(frame)).toBe('sent');
    await node.peer.close();
  });

  it('TRANS5 at 32 MiB that wait the link closes 4409', async () => {
    const node = await FakeNode.up(controller);
    await waitFor('the status', () => controller.told.statuses.some((one) => one.link.nodeId !== agent.nodeId));
    const own = controller.told.ready.find(({ nodeId }) => nodeId !== agent.nodeId)!;
    node.peer.socket.pause();
    const frame: ShellFrame = { op: SHELL_OPS.input, session: randomUUID(), body: Buffer.alloc(1024 * 1024 - 64) };
    let outcome = own.sendShell(frame);
    for (let i = 0; i < 64 && outcome !== 'closed'; i += 1) outcome = own.sendShell(frame);
    expect(outcome).toBe('closed');
    await waitFor('the end', () => controller.told.ends.some(({ code }) => code === 4409));
    await node.peer.close();
  });

  it('TRANS5 a database that is slow makes the gateway stop reading, and nothing is lost', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = await FakeController.start({
      ports: (ports) => ({
        runs: { ...ports.runs, orderTaken: (ref, order) => held.then(() => ports.runs.orderTaken(ref, order)) },
      }),
    });
    const node = await FakeNode.up(slow);
    const orders = Array.from({ length: 500 }, () => randomUUID());
    for (const order of orders) node.say({ t: 'order.taken', order });
    await waitFor('the status', () => slow.told.statuses.length === 1);
    release();
    await waitFor('all of them', () => slow.told.taken.length === orders.length);
    expect(slow.told.taken).toEqual(orders);
    await node.peer.close();
    await slow.stop();
  });
});

describe('metrics over the link', () => {
  const chunk = (seq: number) => ({ boot: STATUS.boot, seq, listVersion: agent.sampler.list.version });

  it('METRIC1 a new list is declared before frames of it, which begin with a key frame', async () => {
    await up();
    expect(controller.told.series).toEqual([seriesListToJson(agent.sampler.list)]);
    const keyFrames = agent.sampler.keyFrames;
    agent.sampler.list = createSeriesList([catalogueSeries('mem.free_bytes'), catalogueSeries('mem.used_bytes')]);
    agent.metrics.newSeriesList();
    agent.metrics.liveFrame(Buffer.from('live'));
    await waitFor('the frame', () => controller.told.live.length === 1);
    expect(controller.told.series).toHaveLength(2);
    expect(agent.sampler.keyFrames).toBe(keyFrames + 1);
  });

  it('METRIC1 a chunk of an older list comes after that list, and the current one is declared again', async () => {
    const old = createSeriesList([catalogueSeries('mem.used_bytes')]);
    agent.spool.lists.set(old.version, old);
    agent.spool.chunks.push({ boot: STATUS.boot, seq: 1, listVersion: old.version });
    await up();
    await waitFor('the chunk', () => controller.told.chunks.length === 1);
    const versions = controller.told.series.map((list) => (list as { version: string }).version);
    expect(versions).toEqual([agent.sampler.list.version, old.version, agent.sampler.list.version]);
  });

  it('METRIC2 METRIC3 chunks go newest first, at most 4 unacknowledged, and leave the spool only by their acknowledgement', async () => {
    const acks: (() => void)[] = [];
    await agent.stop();
    await controller.stop();
    controller = await FakeController.start({
      clock,
      ports: (ports) => ({
        metrics: {
          ...ports.metrics,
          chunk: async (ref, bytes) => {
            const key = await ports.metrics.chunk(ref, bytes);
            await new Promise<void>((resolve) => acks.push(resolve));
            return key;
          },
        },
      }),
    });
    agent = new FakeAgent(controller, { clock });
    agent.executor = await FakeExecutor.listen(agent.executorSocket);
    for (let seq = 1; seq <= 10; seq += 1) agent.spool.chunks.push(chunk(seq));
    agent.keeper.start();
    await waitFor('four chunks', () => acks.length === 4);
    expect(controller.told.chunks.map(String)).toEqual([10, 9, 8, 7].map((seq) => `${STATUS.boot} ${seq}`));
    agent.spool.chunks.push(chunk(11));
    agent.metrics.pump();
    acks[0]!();
    await waitFor('the next', () => controller.told.chunks.length === 5);
    expect(String(controller.told.chunks[4])).toBe(`${STATUS.boot} 11`);
    expect(agent.spool.acked).toEqual([{ boot: STATUS.boot, seq: 10 }]);
    // A chunk whose acknowledgement was lost is sent again at the next link.
    const before = controller.told.chunks.length;
    await relink();
    await waitFor('four again', () => controller.told.chunks.length === before + 4);
    for (let done = 0; agent.spool.chunks.length > 0; done += 1) {
      await waitFor('a chunk to confirm', () => acks.length > done);
      acks[done]!();
      await waitFor('its acknowledgement', () => agent.spool.chunks.length === 0 || acks.length > done + 1);
    }
    expect(agent.spool.acked.length).toBe(11);
  });

  it('METRIC3 a damaged chunk is not acknowledged and does not block the others', async () => {
    agent.spool.chunks.push({ boot: STATUS.boot, seq: 1, listVersion: 'f'.repeat(16) }, chunk(2));
    await up();
    await waitFor('the good one', () => agent.spool.acked.length === 1);
    expect(controller.told.chunks.map(String)).toEqual([`${STATUS.boot} 2`]);
    expect(agent.spool.chunks).toHaveLength(1);
  });

  it('METRIC4 watch raises the period, lapses after 60 s, and is prolonged by repeating', async () => {
    await up();
    link().watch(1000);
    await waitFor('the watch', () => agent.sampler.periods.length === 1);
    clock.advance(LIMITS.watchLapseMs - 25_000);
    await waitFor('the link to live on', () => agent.keeper.phase === 'online');
    link().watch(1000);
    await waitFor('the second watch', () => agent.sampler.periods.filter((period) => period === 1000).length === 2);
    const before = agent.sampler.periods.length;
    clock.advance(30_000);
    expect(agent.sampler.periods.length).toBe(before);
    clock.advance(30_000);
    expect(agent.sampler.periods.at(-1)).toBe(10_000);
  });

  it('METRIC4 the period falls back when the link is lost', async () => {
    await up();
    link().watch(1000);
    await waitFor('the watch', () => agent.sampler.periods.at(-1) === 1000);
    controller.cutAll();
    await waitFor('the loss', () => agent.keeper.phase === 'waiting');
    expect(agent.sampler.periods.at(-1)).toBe(10_000);
  });
});

describe('inventory over the link', () => {
  const took = (count: number) => {
    clock.advance(0);
    return waitFor(`inventory ${count}`, () => controller.told.inventories.length === count);
  };

  it('INV1 carries whole sections with their hash; what did not change is not sent again unless asked', async () => {
    await up();
    await took(1);
    const [section] = agent.sections;
    expect(controller.told.inventories[0]?.sections).toEqual([
      { ...section, hash: sha256Hex(canonicalJson(section?.data)) },
    ]);
    agent.inventory.filesChanged();
    clock.advance(5_000);
    await waitFor('the second run', () => agent.inventoryRuns.length === 2);
    agent.sections = [...agent.sections, { name: 'php', data: ['8.2'] }];
    await waitFor('it to be done', () => {
      agent.inventory.filesChanged();
      clock.advance(5_000);
      return agent.inventoryRuns.length >= 3;
    });
    await waitFor('the changed section', () => controller.told.inventories.length === 2);
    expect(controller.told.inventories[1]?.sections.map(({ name }) => name)).toEqual(['php']);
    link().refreshInventory(['os']);
    await waitFor('the section asked for', () => {
      clock.advance(0);
      return controller.told.inventories.length === 3;
    });
    expect(controller.told.inventories[2]?.sections.map(({ name }) => name)).toEqual(['os']);
  });

  it('INV1 what was sent just before the link broke is sent again', async () => {
    await up();
    await took(1);
    await relink();
    await took(2);
    expect(controller.told.inventories[1]?.sections).toEqual(controller.told.inventories[0]?.sections);
  });

  it('INV1 many large sections come in several messages, one that is too large in none', async () => {
    agent.sections = [1, 2, 3].map((i) => ({ name: `s${i}`, data: 'x'.repeat(600_000) }));
    agent.sections.push({ name: 'huge', data: 'x'.repeat(LIMITS.bodyBytes) });
    await up();
    await took(3);
    expect(agent.log.some(({ fields }) => 'name' in fields && fields.name === 'huge')).toBe(true);
    expect(agent.keeper.phase).toBe('online');
  });
});

describe('shells and recordings over the link', () => {
  /** A shell's host: what it received, and its end of the socket. */
  async function shellHost(session: string) {
    const path = join(agent.shellsDir, `${session}.sock`);
    const frames: ShellFrame[] = [];
    const connections: LocalConnection[] = [];
    const server = createServer((socket) => {
      const connection = createLocalConnection(socket, {
        frame: ({ kind, body }) => {
          const frame = kind === LOCAL_KINDS.shell ? decodeShellFrame(Buffer.from(body)) : null;
          if (frame !== null) frames.push(frame);
        },
        ended: () => void connections.splice(connections.indexOf(connection), 1),
      });
      connections.push(connection);
    });
    server.listen(path);
    await once(server, 'listening');
    const send = (op: ShellFrame['op'], body: Uint8Array) =>
      connections[0]?.send(LOCAL_KINDS.shell, encodeShellFrame({ op, session, body }));
    const stop = async (): Promise<void> => {
      for (const connection of connections) connection.destroy();
      await new Promise((resolve) => server.close(resolve));
    };
    return { path, frames, connections, send, stop };
  }

  it('SHELL3 SHELL5 frames pass both ways as they are; the host is let go when the link is lost and attached again', async () => {
    await up();
    const session = randomUUID();
    const host = await shellHost(session);
    agent.executor!.afterSync = [{ t: 'shell.started', session, socket: host.path }];
    agent.executor!.send({ t: 'shell.started', session, socket: host.path });
    await waitFor('opened', () => controller.told.opened.length === 1);
    expect(host.connections).toHaveLength(0);
    link().sendShell({ op: SHELL_OPS.attach, session, body: encodeAttach(0) });
    link().sendShell({ op: SHELL_OPS.input, session, body: Buffer.from('ls\n') });
    await waitFor('both frames', () => host.frames.length === 2);
    expect(host.frames.map(({ op, body }) => [op, Buffer.from(body).toString('latin1')])).toEqual([
      [SHELL_OPS.attach, '\0'.repeat(8)],
      [SHELL_OPS.input, 'ls\n'],
    ]);
    host.send(SHELL_OPS.output, encodeOutput(0, Buffer.from('file\n')));
    await waitFor('the output', () => controller.told.frames.length === 1);
    await relink();
    await waitFor('the host to be let go', () => host.connections.length === 0);
    await waitFor('opened again', () => controller.told.opened.length === 2);
    // Input without an attach before it is dropped.
    link().sendShell({ op: SHELL_OPS.input, session, body: Buffer.from('rm\n') });
    link().sendShell({ op: SHELL_OPS.attach, session, body: encodeAttach(5) });
    await waitFor('the second attach', () => host.frames.length === 3);
    expect(host.frames[2]?.op).toBe(SHELL_OPS.attach);
    host.send(SHELL_OPS.exit, Buffer.from('{}'));
    await waitFor('the exit', () => controller.told.frames.length === 2);
    expect(agent.shells.openShells).toEqual([]);
    await host.stop();
  });

  it('TRANS5 output that the link cannot take stays with the host', async () => {
    await up();
    const session = randomUUID();
    const host = await shellHost(session);
    agent.executor!.send({ t: 'shell.started', session, socket: host.path });
    await waitFor('opened', () => controller.told.opened.length === 1);
    link().sendShell({ op: SHELL_OPS.attach, session, body: encodeAttach(0) });
    await waitFor('the attach', () => host.connections.length === 1);
    const piece = Buffer.alloc(200_000, 'x');
    let sent = 0;
    await new Promise<void>((resolve) => {
      const more = (): void => {
        for (;;) {
          if (sent === 100) return resolve();
          const outcome = host.send(SHELL_OPS.output, encodeOutput(sent * piece.length, piece));
          sent += 1;
          if (outcome === 'stop') break;
        }
        host.connections[0]?.onceDrained(more);
        return undefined;
      };
      more();
    });
    await waitFor('all of it', () => controller.told.frames.length === 100);
    expect(controller.told.frames.every(({ body }) => body.length === piece.length + 8)).toBe(true);
    await host.stop();
  });

  it('SHELL3 a socket outside the folder of shells is not connected to', async () => {
    await up();
    const session = randomUUID();
    agent.executor!.send({ t: 'shell.started', session, socket: '/run/docker.sock' });
    agent.executor!.send({ t: 'shell.started', session, socket: join(agent.shellsDir, '../executor.sock') });
    await waitFor('the complaints', () => agent.log.filter(({ level }) => level === 'error').length === 2);
    expect(controller.told.opened).toEqual([]);
  });

  it.each([
    [
      'of another session',
      () => encodeShellFrame({ op: SHELL_OPS.output, session: randomUUID(), body: encodeOutput(0, Buffer.from('x')) }),
    ],
    [
      'that only a controller sends',
      (session: string) => encodeShellFrame({ op: SHELL_OPS.input, session, body: Buffer.from('x') }),
    ],
    ['that is none', () => Buffer.from('x')],
  ])('SHELL3 a frame of a host %s is not passed on, and its connection ends', async (_name, make) => {
    await up();
    const session = randomUUID();
    const host = await shellHost(session);
    agent.executor!.send({ t: 'shell.started', session, socket: host.path });
    await waitFor('opened', () => controller.told.opened.length === 1);
    link().sendShell({ op: SHELL_OPS.attach, session, body: encodeAttach(0) });
    await waitFor('the attach', () => host.connections.length === 1);
    host.connections[0]?.send(LOCAL_KINDS.shell, make(session));
    await waitFor('its end', () => host.connections.length === 0);
    expect(controller.told.frames).toEqual([]);
    expect(agent.keeper.phase).toBe('online');
    await host.stop();
  });

  it('SHELL5 attaching to a shell that is gone is answered', async () => {
    await up();
    const [unknown, dead] = [randomUUID(), randomUUID()];
    agent.executor!.send({ t: 'shell.started', session: dead, socket: join(agent.shellsDir, 'dead.sock') });
    await waitFor('opened', () => controller.told.opened.length === 1);
    for (const session of [unknown, dead]) link().sendShell({ op: SHELL_OPS.attach, session, body: encodeAttach(0) });
    await waitFor('both answers', () => controller.told.shellRefusals.length === 2);
    expect(controller.told.shellRefusals.map(({ session, code }) => [session, code])).toEqual([
      [unknown, 'SHELL_GONE'],
      [dead, 'SHELL_GONE'],
    ]);
  });

  it('SHELL8 chunks of recordings go up, at most 4 unacknowledged, and the executor is told of each acknowledgement', async () => {
    const acks: (() => void)[] = [];
    await agent.stop();
    await controller.stop();
    controller = await FakeController.start({
      clock,
      ports: (ports) => ({
        recordings: {
          chunk: async (ref, one) => {
            const key = await ports.recordings.chunk(ref, one);
            await new Promise<void>((resolve) => acks.push(resolve));
            return key;
          },
        },
      }),
    });
    agent = await FakeAgent.start(controller, { clock });
    await up();
    const session = randomUUID();
    mkdirSync(join(agent.folder, 'recordings'));
    for (let index = 0; index < 6; index += 1) {
      const header = {
        v: 1,
        session,
        node: agent.nodeId,
        index,
        prev: null,
        from: 1,
        to: 2,
        events: 1,
        sha256: 'b'.repeat(64),
        offset: 0,
        bytes: 1,
        last: false,
        ended: null,
      } as const;
      const jws = Buffer.from(await signRecordingHeader(header, receiptKey));
      const length = Buffer.alloc(4);
      length.writeUInt32BE(jws.length);
      const file = join(agent.folder, 'recordings', `${index}`);
      writeFileSync(file, Buffer.concat([length, jws, Buffer.from(`data ${index}`)]));
      agent.executor!.send({ t: 'recording.ready', session, index, file });
    }
    agent.executor!.send({
      t: 'recording.ready',
      session,
      index: 9,
      file: join(agent.folder, 'recordings', 'missing'),
    });
    await waitFor('four', () => acks.length === 4);
    expect(controller.told.recordings.map(({ data }) => Buffer.from(data).toString())).toEqual([
      'data 0',
      'data 1',
      'data 2',
      'data 3',
    ]);
    for (let i = 0; i < 6; i += 1) {
      await waitFor(`chunk ${i}`, () => acks.length > i);
      acks[i]!();
      await waitFor(`acknowledgement ${i}`, () => agent.executor!.count('recording.ack') === i + 1);
    }
    expect(controller.told.recordings).toHaveLength(6);
    await waitFor('the missing one', () => agent.log.some(({ fields }) => 'index' in fields && fields.index === 9));
    expect(FRAME_TYPES.recording).toBe(5);
  });
});
