import { FakeClock, SeededRandom } from '@hauban/shared/testing';
import { describe, expect, it } from 'vitest';
import { createLiveConnection, parseLiveEvent, type LiveConnection } from './live-connection.ts';
import type { SocketEvents } from './live-link.ts';

const NODE = '00000000-0000-4000-8000-000000000001';
const RUN = '00000000-0000-4000-8000-000000000002';

interface Dialled {
  readonly events: SocketEvents;
  readonly sent: Record<string, unknown>[];
  closed: boolean;
}

/** The server's side in memory: each dial is one entry. */
function setUp(options: { readonly refuse?: () => Error | null } = {}) {
  const clock = new FakeClock();
  const dials: Dialled[] = [];
  let isVisible = true;
  const live: LiveConnection = createLiveConnection({
    clock,
    random: new SeededRandom(1),
    isVisible: () => isVisible,
    mayReturn: (error) => !(error instanceof Error && error.message === 'signed out'),
    dial: async (events) => {
      const refusal = options.refuse?.() ?? null;
      const dialled: Dialled = { events, sent: [], closed: false };
      dials.push(dialled);
      if (refusal !== null) throw refusal;
      return {
        send: (text) => dialled.sent.push(JSON.parse(text) as Record<string, unknown>),
        close: () => {
          dialled.closed = true;
        },
      };
    },
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  };
  return { clock, dials, live, settle, hide: () => (isVisible = false) };
}

const open = async (parts: ReturnType<typeof setUp>): Promise<Dialled> => {
  await parts.settle();
  const last = parts.dials.at(-1);
  if (last === undefined) throw new Error('nobody dialled');
  last.events.onOpen();
  return last;
};

describe('the live connection', () => {
  it('is not dialled before somebody watches', async () => {
    const parts = setUp();
    await parts.settle();
    expect(parts.dials).toHaveLength(0);
    expect(parts.live.state()).toEqual({ kind: 'idle' });
  });

  it('asks for everything that is watched when it opens', async () => {
    const parts = setUp();
    parts.live.watchFleet(() => undefined);
    parts.live.watchNode(NODE, ['cpu.user'], () => undefined);
    parts.live.watchRun(RUN, () => undefined);
    const socket = await open(parts);
    expect(socket.sent).toEqual([
      { t: 'watch-fleet' },
      { t: 'watch-node', nodeId: NODE, series: ['cpu.user'] },
      { t: 'watch-run', runId: RUN },
    ]);
  });

  it('watches a node once for two watchers, and ends it with the last', async () => {
    const parts = setUp();
    const endFirst = parts.live.watchNode(NODE, ['cpu.user', 'sys.load1'], () => undefined);
    const socket = await open(parts);
    const endSecond = parts.live.watchNode(NODE, ['sys.load1', 'mem.used_bytes'], () => undefined);
    expect(socket.sent.at(-1)).toEqual({
      t: 'watch-node',
      nodeId: NODE,
      series: ['cpu.user', 'sys.load1', 'mem.used_bytes'],
    });
    endFirst();
    endFirst();
    expect(socket.sent.at(-1)).toMatchObject({ t: 'watch-node' });
    endSecond();
    expect(socket.sent.at(-1)).toEqual({ t: 'unwatch-node', nodeId: NODE });
  });

  it('gives each event to those who watch for it', async () => {
    const parts = setUp();
    const seen: string[] = [];
    parts.live.watchNode(NODE, ['cpu.user'], (event) => seen.push(`node ${event.at}`));
    parts.live.watchRun(RUN, (event) => seen.push(event.t));
    const socket = await open(parts);
    const samples = (nodeId: string, at: number) =>
      JSON.stringify({ t: 'node-samples', nodeId, at, names: [], values: [] });
    socket.events.onText(samples(NODE, 1));
    socket.events.onText(samples(RUN, 2));
    socket.events.onText(JSON.stringify({ t: 'run', run: { id: RUN } }));
    socket.events.onText(JSON.stringify({ t: 'run', run: { id: NODE } }));
    socket.events.onText('not json');
    expect(seen).toEqual(['node 1', 'run']);
  });

  it('comes back after a loss, asks again, and says that there was a gap', async () => {
    const parts = setUp();
    let gaps = 0;
    parts.live.onReopened(() => (gaps += 1));
    parts.live.watchFleet(() => undefined);
    const first = await open(parts);
    expect(gaps).toBe(0);
    first.events.onClose();
    expect(parts.live.state().kind).toBe('waiting');
    parts.clock.advance(20_000);
    const second = await open(parts);
    expect(second).not.toBe(first);
    expect(second.sent).toEqual([{ t: 'watch-fleet' }]);
    expect(gaps).toBe(1);
    first.events.onClose();
    expect(parts.live.state()).toEqual({ kind: 'open' });
  });

  it('stays away when the sign-in is over, until somebody watches again', async () => {
    let refusal: Error | null = new Error('signed out');
    const parts = setUp({ refuse: () => refusal });
    parts.live.watchFleet(() => undefined);
    await parts.settle();
    expect(parts.live.state()).toEqual({ kind: 'idle' });
    parts.clock.advance(120_000);
    expect(parts.dials).toHaveLength(1);
    refusal = null;
    parts.live.watchFleet(() => undefined);
    await open(parts);
    expect(parts.live.state()).toEqual({ kind: 'open' });
  });

  it('keeps a node awake only while the page is visible', async () => {
    const parts = setUp();
    parts.live.watchNode(NODE, ['cpu.user'], () => undefined);
    parts.live.watchFleet(() => undefined);
    const socket = await open(parts);
    const before = socket.sent.length;
    parts.clock.advance(25_000);
    expect(socket.sent.slice(before)).toEqual([{ t: 'watch-node', nodeId: NODE, series: ['cpu.user'] }]);
    parts.hide();
    parts.clock.advance(50_000);
    expect(socket.sent).toHaveLength(before + 1);
  });

  it('closes and leaves no timer when it is stopped', async () => {
    const parts = setUp();
    parts.live.watchFleet(() => undefined);
    const socket = await open(parts);
    parts.live.stop();
    expect(socket.closed).toBe(true);
    expect(parts.clock.pending).toBe(0);
  });
});

describe('a live message', () => {
  it.each(['', '[]', 'null', '5', '{}', '{"t":5}', '{"t"'])('that is %j is no event', (text) => {
    expect(parseLiveEvent(text)).toBeNull();
  });
});
