import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LiveEvent, NodeRow, RunRow } from '@hauban/shared/api';
import { FakeClock } from '@hauban/shared/testing';
import { systemClock } from '@hauban/link';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Readable } from '../http/index.ts';
import { createLiveHub, type LiveSources, type LiveTickOfNode, type RunEvent } from './index.ts';
import { createLiveViewer, selectSeries } from './live-viewer.ts';
import { createNodeWatchers } from './node-watchers.ts';

const nodeId = randomUUID();
const row = (hostName: string): NodeRow => ({ id: nodeId, hostName }) as NodeRow;

function sources(): LiveSources & {
  paces: [string, number][];
  node(id: string): void;
  tick(tick: LiveTickOfNode): void;
  run(event: RunEvent): void;
} {
  const on = {
    node: new Set<(id: string) => void>(),
    tick: new Set<(tick: LiveTickOfNode) => void>(),
    run: new Set<(event: RunEvent) => void>(),
  };
  const add = <T>(set: Set<T>, listener: T): (() => void) => {
    set.add(listener);
    return () => void set.delete(listener);
  };
  const paces: [string, number][] = [];
  return {
    paces,
    onNode: (listener) => add(on.node, listener),
    onTick: (listener) => add(on.tick, listener),
    onRun: (listener) => add(on.run, listener),
    nodeRow: (id) => (id === nodeId ? row('<script>alert(1)</script>') : null),
    readableBy: () => null,
    nodesOfRun: async () => [nodeId],
    watchNode: (id, periodMs) => void paces.push([id, periodMs]),
    node: (id) => on.node.forEach((listener) => listener(id)),
    tick: (tick) => on.tick.forEach((listener) => listener(tick)),
    run: (event) => on.run.forEach((listener) => listener(event)),
  };
}

function viewerOf(clock: FakeClock, readable: Readable | null = null) {
  const from = sources();
  const sent: LiveEvent[] = [];
  const closed: number[] = [];
  const socket = {
    bufferedAmount: 0,
    send: (text: string) => void sent.push(JSON.parse(text) as LiveEvent),
    close: (code: number) => void closed.push(code),
  };
  const viewer = createLiveViewer(socket, from, {
    watchers: createNodeWatchers(clock, from.watchNode),
    clock,
    readable,
  });
  return { viewer, socket, sent, closed, from };
}
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('live viewer', () => {
  it('sees only what it asked for, and a hostile name only as JSON text', async () => {
    const clock = new FakeClock();
    const { viewer, sent } = viewerOf(clock);
    viewer.nodeChanged(nodeId);
    clock.advance(1000);
    await settle();
    expect(sent).toEqual([]);
    viewer.message(JSON.stringify({ t: 'watch-fleet' }));
    for (let i = 0; i < 50; i += 1) viewer.nodeChanged(nodeId);
    clock.advance(1000);
    await settle();
    expect(sent).toEqual([{ t: 'node', node: row('<script>alert(1)</script>') }]);
    const gone = randomUUID();
    viewer.nodeChanged(gone);
    clock.advance(1000);
    await settle();
    expect(sent.at(-1)).toEqual({ t: 'node-removed', nodeId: gone });
  });

  it('picks the wanted series by name and prefix', () => {
    const { viewer, sent } = viewerOf(new FakeClock());
    viewer.message(JSON.stringify({ t: 'watch-node', nodeId, series: ['load.1', 'cpu.*'] }));
    const names = ['cpu.user', 'load.1', 'mem.free', 'cpu.idle'];
    viewer.tick({ nodeId, at: 5, names, values: [1, 2, 3, null] });
    viewer.tick({ nodeId: randomUUID(), at: 5, names, values: [1, 2, 3, 4] });
    expect(sent).toEqual([
      { t: 'node-samples', nodeId, at: 5, names: ['cpu.user', 'load.1', 'cpu.idle'], values: [1, 2, null] },
    ]);
    expect(selectSeries(['*'], names)).toEqual([0, 1, 2, 3]);
  });

  it('a page that reads slowly gets no samples, the newest rows later, and is let go in the end', async () => {
    const clock = new FakeClock();
    const { viewer, socket, sent, closed } = viewerOf(clock);
    viewer.message(JSON.stringify({ t: 'watch-fleet' }));
    viewer.message(JSON.stringify({ t: 'watch-node', nodeId, series: ['*'] }));
    socket.bufferedAmount = 2 * 1024 * 1024;
    viewer.tick({ nodeId, at: 5, names: ['a'], values: [1] });
    viewer.nodeChanged(nodeId);
    clock.advance(1000);
    await settle();
    expect(sent).toEqual([]);
    socket.bufferedAmount = 0;
    clock.advance(1000);
    await settle();
    expect(sent).toHaveLength(1);
    socket.bufferedAmount = 9 * 1024 * 1024;
    viewer.message('{');
    expect(closed).toEqual([1013]);
    viewer.end();
  });

  it('follows a run, each target as its newest state', async () => {
    const clock = new FakeClock();
    const { viewer, sent } = viewerOf(clock);
    const run = { id: randomUUID() } as RunRow;
    viewer.run({ kind: 'run', run });
    viewer.message(JSON.stringify({ t: 'watch-run', runId: run.id }));
    viewer.run({ kind: 'run', run });
    viewer.run({ kind: 'run', run });
    clock.advance(1000);
    await settle();
    expect(sent).toEqual([{ t: 'run', run }]);
  });

  it.each([
    '{',
    '{}',
    '[]',
    '{"t":"watch-node"}',
    '{"t":"watch-fleet","x":1}',
    JSON.stringify({ t: 'watch-node', nodeId: '../x', series: [] }),
  ])('answers the malformed message %s with one sentence', (text) => {
    const { viewer, sent } = viewerOf(new FakeClock());
    viewer.message(text);
    expect(sent).toEqual([{ t: 'error', code: 'BAD_REQUEST', detail: 'That is no message of the live channel.' }]);
  });

  it('a page cannot watch without end', () => {
    const { viewer, sent } = viewerOf(new FakeClock());
    for (let i = 0; i < 101; i += 1) viewer.message(JSON.stringify({ t: 'watch-run', runId: randomUUID() }));
    expect(sent).toMatchObject([{ t: 'error', code: 'RATE_LIMITED' }]);
  });
});

describe('METRIC4 watchers of a node', () => {
  it('raise the pace while somebody looks, repeat it, and lower it when nobody does or the interest lapsed', () => {
    const clock = new FakeClock();
    const paces: number[] = [];
    const watchers = createNodeWatchers(clock, (_id, pace) => void paces.push(pace));
    const [ann, bob] = [{}, {}];
    watchers.watch('n', ann);
    watchers.watch('n', bob);
    watchers.unwatch('n', ann);
    expect(paces).toEqual([1000, 1000]);
    clock.advance(30_000);
    expect(paces.at(-1)).toBe(1000);
    clock.advance(60_000);
    expect(paces.at(-1)).toBe(10_000);
    watchers.watch('n', ann);
    watchers.forget(ann);
    expect(paces.at(-1)).toBe(10_000);
    watchers.stop();
    expect(clock.pending).toBe(0);
  });
});

describe('live hub', () => {
  const cleanUps: (() => unknown)[] = [];
  afterEach(() => {
    for (const cleanUp of cleanUps.splice(0).toReversed()) cleanUp();
  });

  it('serves a real WebSocket, refuses binary, and forgets a page that is gone', async () => {
    const from = sources();
    const hub = createLiveHub(from, systemClock);
    const server = createServer();
    server.on('upgrade', (request, socket, head) => {
      if (hub.route.access !== 'public')
        hub.route.accept({ request, socket, head, params: {} }, {} as never, () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanUps.push(
      () => server.close(),
      () => hub.stop(),
    );
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/api/live`;
    const page = new WebSocket(url);
    await new Promise((resolve) => page.once('open', resolve));
    page.send(JSON.stringify({ t: 'watch-node', nodeId, series: ['a'] }));
    while (from.paces.length === 0) await settle();
    const got = new Promise<string>((resolve) => page.once('message', (data: Buffer) => resolve(data.toString())));
    from.tick({ nodeId, at: 7, names: ['a'], values: [1.5] });
    expect(JSON.parse(await got)).toMatchObject({ t: 'node-samples', values: [1.5] });
    const closed = new Promise<number>((resolve) => page.once('close', resolve));
    page.send(Buffer.from([1]));
    expect(await closed).toBe(1003);
    while (hub.viewers > 0) await settle();
    expect(from.paces.at(-1)).toEqual([nodeId, 10_000]);
  });
});
