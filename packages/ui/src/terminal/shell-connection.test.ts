import { decodeAttach, decodeCredit, decodeResize, encodeOutput, SHELL_OPS } from '@hauban/shared/protocol';
import { FakeClock, SeededRandom } from '@hauban/shared/testing';
import { describe, expect, it } from 'vitest';
import { createShellConnection, freshPart } from './shell-connection.ts';
import type { BinarySocketEvents, SessionFate } from './shell-link.ts';
import type { ShellState } from './shell-state.ts';
import { isTyped } from './swallow-answers.ts';

interface Dialled {
  readonly events: BinarySocketEvents;
  readonly sent: Uint8Array[];
  closed: boolean;
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytesOf = (data: string): Uint8Array => new TextEncoder().encode(data);

function setUp(options: { readonly fate?: () => Promise<SessionFate>; readonly refuse?: () => Error | null } = {}) {
  const clock = new FakeClock();
  const dials: Dialled[] = [];
  const states: ShellState[] = [];
  const shown: string[] = [];
  const callbacks: (() => void)[] = [];
  const connection = createShellConnection({
    clock,
    random: new SeededRandom(3),
    dial: async (events) => {
      const dialled: Dialled = { events, sent: [], closed: false };
      dials.push(dialled);
      const refusal = options.refuse?.() ?? null;
      if (refusal !== null) throw refusal;
      return {
        send: (bytes) => dialled.sent.push(bytes),
        close: () => {
          dialled.closed = true;
        },
      };
    },
    askFate: options.fate ?? (async () => ({ kind: 'alive' })),
    mayReturn: (error) => !(error instanceof Error && error.message === 'final'),
    detailOf: (error) => (error instanceof Error ? error.message : ''),
    onOutput: (data, missed, done) => {
      shown.push(missed > 0 ? `[${missed}]${text(data)}` : text(data));
      callbacks.push(done);
    },
    onState: (state) => states.push(state),
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
  };
  const last = (): Dialled => {
    const dialled = dials.at(-1);
    if (dialled === undefined) throw new Error('nobody dialled');
    return dialled;
  };
  const open = async (): Promise<Dialled> => {
    await settle();
    last().events.onOpen();
    return last();
  };
  const output = (offset: number, data: string | Uint8Array): void => {
    const body = encodeOutput(offset, typeof data === 'string' ? bytesOf(data) : data);
    last().events.onBytes(Uint8Array.from([SHELL_OPS.output, ...body]));
  };
  return { clock, dials, states, shown, callbacks, connection, settle, open, output, last };
}

const ops = (dialled: Dialled): number[] => dialled.sent.map((bytes) => bytes[0] ?? 0);
const bodyOf = (dialled: Dialled, op: number): Uint8Array | undefined =>
  dialled.sent.findLast((bytes) => bytes[0] === op)?.subarray(1);

describe('SHELL3 a shell in the browser', () => {
  it('attaches at 0 first of all, then says its size', async () => {
    const shell = setUp();
    shell.connection.start(100, 30);
    const socket = await shell.open();
    expect(ops(socket)).toEqual([SHELL_OPS.attach, SHELL_OPS.resize]);
    expect(decodeAttach(bodyOf(socket, SHELL_OPS.attach) ?? new Uint8Array())).toBe(0);
    expect(decodeResize(bodyOf(socket, SHELL_OPS.resize) ?? new Uint8Array())).toEqual({ columns: 100, rows: 30 });
    expect(shell.states.map((state) => state.kind)).toEqual(['connecting', 'open']);
  });

  it('sends what was typed as UTF-8, a large paste in pieces, in order', async () => {
    const shell = setUp();
    shell.connection.start(80, 24);
    const socket = await shell.open();
    shell.connection.type('é');
    shell.connection.type('x'.repeat(40_000));
    const inputs = socket.sent.filter((bytes) => bytes[0] === SHELL_OPS.input).map((bytes) => bytes.subarray(1));
    expect(text(inputs[0] ?? new Uint8Array())).toBe('é');
    expect(inputs.slice(1).map((bytes) => bytes.length)).toEqual([16_384, 16_384, 7_232]);
  });

  it('keeps what is typed before it is there', async () => {
    const shell = setUp();
    shell.connection.start(80, 24);
    shell.connection.type('l');
    shell.connection.type('s\r');
    const socket = await shell.open();
    expect(ops(socket)).toEqual([SHELL_OPS.attach, SHELL_OPS.resize, SHELL_OPS.input, SHELL_OPS.input]);
    expect(text(bodyOf(socket, SHELL_OPS.input) ?? new Uint8Array())).toBe('s\r');
  });

  it('drops what is typed while the connection is lost', async () => {
    const shell = setUp();
    shell.connection.start(80, 24);
    const socket = await shell.open();
    socket.events.onClose();
    shell.connection.type('rm');
    await shell.settle();
    shell.clock.advance(10_000);
    const second = await shell.open();
    expect(ops(second)).not.toContain(SHELL_OPS.input);
  });
});

describe('SHELL4 credit', () => {
  it('is paid only for output that is on the screen, in steps', async () => {
    const shell = setUp();
    shell.connection.start(80, 24);
    const socket = await shell.open();
    const piece = new Uint8Array(20_000);
    shell.output(0, piece);
    shell.output(20_000, piece);
    expect(ops(socket)).not.toContain(SHELL_OPS.credit);
    shell.callbacks[0]?.();
    expect(ops(socket)).not.toContain(SHELL_OPS.credit);
    shell.callbacks[1]?.();
    expect(decodeCredit(bodyOf(socket, SHELL_OPS.credit) ?? new Uint8Array())).toBe(40_000);
  });

  it('is not paid to a new connection for output of the old one', async () => {
    const shell = setUp();
    shell.connection.start(80, 24);
    const first = await shell.open();
    shell.output(0, new Uint8Array(40_000));
    first.events.onClose();
    await shell.settle();
    shell.clock.advance(10_000);
    const second = await shell.open();
    shell.callbacks[0]?.();
    expect(ops(second)).not.toContain(SHELL_OPS.credit);
  });
});

describe('SHELL5 coming back', () => {
  it('asks for what is missing, shows nothing twice and says what is lost', async () => {
    const shell = setUp();
    shell.connection.start(80, 24);
    const first = await shell.open();
    shell.output(0, 'hello ');
    first.events.onClose();
    await shell.settle();
    expect(shell.states.at(-1)).toEqual({ kind: 'reconnecting' });
    shell.clock.advance(10_000);
    const second = await shell.open();
    expect(decodeAttach(bodyOf(second, SHELL_OPS.attach) ?? new Uint8Array())).toBe(6);
    shell.output(4, 'o wor');
    shell.output(109, 'ld');
    expect(shell.shown).toEqual(['hello ', 'wor', '[100]ld']);
  });

  it('ends when the record says that the shell is over', async () => {
    const shell = setUp({ fate: async () => ({ kind: 'over', detail: 'closed by the time limit' }) });
    shell.connection.start(80, 24);
    const socket = await shell.open();
    socket.events.onClose();
    await shell.settle();
    expect(shell.states.at(-1)).toEqual({ kind: 'ended', exit: null, detail: 'closed by the time limit' });
    expect(shell.clock.pending).toBe(0);
  });

  it('does not come back from a refusal', async () => {
    const shell = setUp({ refuse: () => new Error('final') });
    shell.connection.start(80, 24);
    await shell.settle();
    expect(shell.states.at(-1)).toEqual({ kind: 'failed', detail: 'final' });
    expect(shell.clock.pending).toBe(0);
  });

  it('gives up in the end', async () => {
    const shell = setUp({ refuse: () => new Error('no route') });
    shell.connection.start(80, 24);
    for (let turn = 0; turn < 1000 && shell.states.at(-1)?.kind !== 'failed'; turn += 1) {
      await shell.settle();
      shell.clock.advance(5_000);
    }
    expect(shell.states.at(-1)).toEqual({ kind: 'failed', detail: 'no route' });
  });

  it('hears nothing of an older connection', async () => {
    const shell = setUp();
    shell.connection.start(80, 24);
    const first = await shell.open();
    first.events.onClose();
    await shell.settle();
    shell.clock.advance(10_000);
    await shell.open();
    first.events.onBytes(Uint8Array.from([SHELL_OPS.output, ...encodeOutput(0, bytesOf('ghost'))]));
    first.events.onClose();
    expect(shell.shown).toEqual([]);
    expect(shell.states.at(-1)).toEqual({ kind: 'open' });
  });
});

describe('the end of a shell', () => {
  const exit = { ending: 'exited', status: 3, signal: null, leftOver: 0, detail: 'The shell exited with status 3.' };

  it('comes with its exit frame', async () => {
    const shell = setUp();
    shell.connection.start(80, 24);
    const socket = await shell.open();
    socket.events.onBytes(Uint8Array.from([SHELL_OPS.exit, ...bytesOf(JSON.stringify(exit))]));
    expect(shell.states.at(-1)).toEqual({ kind: 'ended', exit, detail: exit.detail });
    expect(socket.closed).toBe(true);
  });

  it('is an end even when the frame says nothing that can be read', async () => {
    const shell = setUp();
    shell.connection.start(80, 24);
    const socket = await shell.open();
    socket.events.onBytes(Uint8Array.from([SHELL_OPS.exit, ...bytesOf('{"ending":"<script>"')]));
    expect(shell.states.at(-1)).toEqual({ kind: 'ended', exit: null, detail: '' });
  });

  it('is left without ending it', async () => {
    const shell = setUp();
    shell.connection.start(80, 24);
    const socket = await shell.open();
    shell.connection.leave();
    expect(ops(socket)).not.toContain(SHELL_OPS.close);
    expect(socket.closed).toBe(true);
  });
});

describe('output in order', () => {
  it.each([
    [0, 0, 'abc', 'abc', 0, 3],
    [3, 0, 'abc', '', 0, 3],
    [2, 0, 'abcd', 'cd', 0, 4],
    [3, 10, 'x', 'x', 7, 11],
    [9, 0, 'abc', '', 0, 9],
  ])('expected %i, came %i %j', (expected, offset, data, fresh, missed, next) => {
    const part = freshPart(expected, offset, bytesOf(data));
    expect([text(part.data), part.missed, part.next]).toEqual([fresh, missed, next]);
  });
});

describe('what is typed', () => {
  it('is not what the terminal says by itself when it gets the focus', () => {
    expect(isTyped('\u001B[I')).toBe(false);
    expect(isTyped('\u001B[O')).toBe(false);
    expect(isTyped('\u001B[A')).toBe(true);
    expect(isTyped('ls\r')).toBe(true);
  });
});
