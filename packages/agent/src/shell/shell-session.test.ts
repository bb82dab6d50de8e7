import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { createKeyPair, systemClock, verifyRecordingHeader, sha256Hex } from '@hauban/link';
import {
  decodeOutput,
  encodeAttach,
  encodeCredit,
  encodeResize,
  LIMITS,
  parseShellExit,
  SHELL_OPS,
  splitRecordingChunk,
  type ShellExit,
  type ShellOp,
} from '@hauban/shared/protocol';
import { checkChunkText, followChain, parseCast, type CastEvent, type ChainState } from '@hauban/shared/recording';
import { afterEach, expect, it } from 'vitest';
import { listShell, processStart, SHELL_MARK } from '../proc/session-processes.ts';
import { createRecordingFolder, listChunks, listOpen, readChunk, type RecordingFolder } from '../store/index.ts';
import { startPty } from './pty-process.ts';
import { Recorder, RECORDER_LIMITS } from './recorder.ts';
import { ShellSession, type SessionLimits, type Viewer } from './shell-session.ts';
import { createRecordSigner } from './sign-record.ts';

const SESSION = '6f9619ff-8b86-4d01-b42d-00c04fc964ff';
const NODE = '7f9619ff-8b86-4d01-b42d-00c04fc964ff';
const key = createKeyPair();
const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const step of cleanUp.splice(0).reverse()) step();
});

/** Waits for a condition that events bring about. */
async function until(what: string, isTrue: () => boolean, withinMs = 20_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A viewer that keeps what it got and pays for it unless told otherwise. */
class TestViewer implements Viewer {
  readonly pieces: Buffer[] = [];
  /** Where each attachment went on. */
  readonly begins: number[] = [];
  bytes = 0;
  nextOffset: number | null = null;
  exit: ShellExit | null = null;
  isEnded = false;
  pays = true;
  readonly session: ShellSession;

  constructor(session: ShellSession) {
    this.session = session;
    session.connect(this);
  }

  send(op: ShellOp, body: Uint8Array): 'sent' {
    if (op === SHELL_OPS.exit) {
      const parsed = parseShellExit(Buffer.from(body).toString('utf8'));
      if (!parsed.ok) throw new Error(parsed.problem);
      this.exit = parsed.value;
      return 'sent';
    }
    const output = decodeOutput(body);
    if (output === null || this.exit !== null) throw new Error('not an output frame, or output after the exit');
    if (output.data.length === 0) {
      this.begins.push(output.offset);
      this.nextOffset = output.offset;
      return 'sent';
    }
    if (this.nextOffset !== null && output.offset !== this.nextOffset) throw new Error(`a gap at ${this.nextOffset}`);
    this.nextOffset = output.offset + output.data.length;
    this.pieces.push(Buffer.from(output.data));
    this.bytes += output.data.length;
    if (this.pays) queueMicrotask(() => this.session.frame(SHELL_OPS.credit, encodeCredit(output.data.length)));
    return 'sent';
  }

  onceDrained(callback: () => void): void {
    callback();
  }

  end(): void {
    this.isEnded = true;
  }

  attach(offset = 0): this {
    this.session.frame(SHELL_OPS.attach, encodeAttach(offset));
    return this;
  }

  type(text: string): void {
    this.session.frame(SHELL_OPS.input, Buffer.from(text));
  }

  get text(): string {
    return Buffer.concat(this.pieces).toString('utf8');
  }
}

interface Started {
  readonly session: ShellSession;
  readonly folder: RecordingFolder;
  readonly mark: string;
  pid: number;
  isOver: boolean;
}

const ENV = { PATH: '/usr/bin:/bin', TERM: 'xterm-256color', LANG: 'C.UTF-8', PS1: '$ ' };

function start(
  program: string,
  args: readonly string[],
  limits: Partial<SessionLimits> = {},
  recorderLimits: Partial<typeof RECORDER_LIMITS> = {},
): Started {
  const root = mkdtempSync(join(tmpdir(), 'hauban-shell-'));
  cleanUp.push(() => rmSync(root, { recursive: true }));
  const folder = { path: join(root, SESSION), gid: null };
  createRecordingFolder(folder);
  const cast = { columns: 80, rows: 24, terminal: 'xterm-256color', startedAt: 1_700_000_000_000, title: 'test' };
  const started: { session?: ShellSession } & Omit<Started, 'session'> = {
    folder,
    mark: randomUUID(),
    pid: 0,
    isOver: false,
  };
  const recorder = new Recorder({
    folder,
    head: { session: SESSION, node: NODE, index: 0, prev: null, offset: 0, lastAtMs: 0, cast },
    sign: createRecordSigner(key),
    clock: systemClock,
    limits: { ...RECORDER_LIMITS, minimumFreeBytes: 0, ...recorderLimits },
    failed: (error) => started.session?.fail(error),
  });
  started.session = new ShellSession(
    {
      clock: systemClock,
      recorder,
      over: () => (started.isOver = true),
      mark: started.mark,
      startPty: (events) => {
        const env = { ...ENV, [SHELL_MARK]: started.mark };
        const pty = startPty({ program, args, env, cwd: '/', columns: 80, rows: 24 }, systemClock, events);
        started.pid = pty.pid;
        return pty;
      },
    },
    { endsInMs: 60_000, graceMs: 60_000, idleMs: 0, recordInput: false, ...limits },
  );
  cleanUp.push(() => started.session?.end('closed'));
  return started as Started;
}

/** Follows the chain as the controller does and returns what was recorded. */
async function readRecording(
  folder: RecordingFolder,
): Promise<{ readonly state: ChainState; readonly events: readonly CastEvent[]; readonly output: string }> {
  let state: ChainState | null = null;
  let cast = '';
  for (const index of listChunks(folder)) {
    const chunk = splitRecordingChunk(readChunk(folder, index) ?? new Uint8Array());
    if (chunk === null) throw new Error(`chunk ${index} is damaged`);
    const header = await verifyRecordingHeader(chunk.jws, key.publicText);
    if (!header.ok) throw new Error(header.detail);
    expect(sha256Hex(chunk.data)).toBe(header.value.sha256);
    const text = inflateSync(chunk.data).toString('utf8');
    expect(checkChunkText(header.value, text)).toBeNull();
    const followed = followChain(state, { session: SESSION, node: NODE }, header.value, sha256Hex(chunk.jws));
    if (!followed.ok) throw new Error(followed.problem);
    state = followed.state;
    cast += text;
  }
  const parsed = parseCast(cast);
  if (!parsed.ok || state === null) throw new Error('no recording');
  const output = parsed.events.map((event) => (event.code === 'o' ? event.data : '')).join('');
  return { state, events: parsed.events, output };
}

it('SHELL2 shows what a program writes, records the same, and says how it ended', async () => {
  const started = start('/bin/bash', ['--norc', '-i']);
  const viewer = new TestViewer(started.session).attach();
  viewer.type('echo grün $((40+2)); exit 7\r');
  await until('over', () => started.isOver);
  expect(viewer.text).toContain('grün 42\r\n');
  expect(viewer.exit).toMatchObject({ ending: 'exited', status: 7, signal: null, leftOver: 0 });
  expect(viewer.isEnded).toBe(true);
  const recording = await readRecording(started.folder);
  expect(recording.output).toBe(viewer.text);
  expect(recording.state).toMatchObject({ isComplete: true, ended: 'exited', offset: viewer.bytes });
  expect(recording.events.at(-1)).toMatchObject({ code: 'x', data: '7' });
});

it('SHELL2 loses no tail when a program writes much and ends at once, 30 times', async () => {
  for (let round = 0; round < 30; round += 1) {
    const started = start('/usr/bin/seq', ['1', '20000']);
    const viewer = new TestViewer(started.session).attach();
    await until('over', () => started.isOver);
    expect(viewer.text.endsWith('\r\n20000\r\n')).toBe(true);
    expect(viewer.bytes).toBe(128_894);
  }
});

it('SHELL2 loses no tail when the viewer had not paid at the end of the program', async () => {
  const started = start('/usr/bin/seq', ['1', '45000']);
  const viewer = new TestViewer(started.session);
  viewer.pays = false;
  viewer.attach();
  await until('window full', () => viewer.bytes === LIMITS.shellWindowBytes);
  expect(viewer.exit).toBeNull();
  viewer.pays = true;
  started.session.frame(SHELL_OPS.credit, encodeCredit(viewer.bytes));
  await until('over', () => started.isOver);
  expect(viewer.text.endsWith('\r\n45000\r\n')).toBe(true);
  expect((await readRecording(started.folder)).output).toBe(viewer.text);
});

it('SHELL4 sends 256 KiB beyond the credit, then stops reading the terminal, and control still works', async () => {
  const started = start('/usr/bin/yes', []);
  const viewer = new TestViewer(started.session);
  viewer.pays = false;
  viewer.attach();
  await until('window full', () => viewer.bytes === LIMITS.shellWindowBytes);
  await until('yes is stopped by its full terminal', () => {
    const stat = readFileSync(`/proc/${started.pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('S');
  });
  expect(viewer.bytes).toBe(LIMITS.shellWindowBytes);
  started.session.frame(SHELL_OPS.credit, encodeCredit(1000));
  await until('what was paid is sent', () => viewer.bytes === LIMITS.shellWindowBytes + 1000);
  started.session.frame(SHELL_OPS.close, new Uint8Array());
  viewer.pays = true;
  started.session.frame(SHELL_OPS.credit, encodeCredit(viewer.bytes));
  await until('over', () => started.isOver);
  expect(viewer.exit).toMatchObject({ ending: 'closed' });
});

it('SHELL4 credit for bytes that were never sent buys nothing', async () => {
  const started = start('/usr/bin/yes', []);
  const viewer = new TestViewer(started.session);
  viewer.pays = false;
  started.session.frame(SHELL_OPS.credit, encodeCredit(4_000_000_000));
  viewer.attach();
  await until('window full', () => viewer.bytes === LIMITS.shellWindowBytes);
  expect(viewer.bytes).toBe(LIMITS.shellWindowBytes);
});

it('SHELL5 goes on without a viewer and replays from the offset', async () => {
  const started = start('/bin/bash', ['--norc', '-i']);
  const first = new TestViewer(started.session).attach();
  first.type('echo one\r');
  await until('first', () => /one\r\n.*\$ $/s.test(first.text));
  started.session.disconnect(first);
  const seen = first.bytes;
  first.type('echo dropped\r');
  const second = new TestViewer(started.session).attach(seen - 3);
  second.type('echo two; exit\r');
  await until('over', () => started.isOver);
  expect(second.text.slice(0, 3)).toBe(first.text.slice(-3));
  expect(second.text).toContain('two\r\n');
  expect(second.text).not.toContain('dropped');
});

it('SHELL5 replays at most the last 1 MiB; an offset beyond that gets the oldest byte kept', async () => {
  const started = start('/usr/bin/seq', ['1', '400000']);
  await until('the recording is closed', () => listOpen(started.folder).length === 0);
  const viewer = new TestViewer(started.session).attach(0);
  await until('over', () => started.isOver);
  expect(viewer.bytes).toBeGreaterThanOrEqual(LIMITS.shellReplayBytes);
  expect(viewer.bytes).toBeLessThan(LIMITS.shellReplayBytes + 128 * 1024);
  expect(viewer.text.endsWith('400000\r\n')).toBe(true);
  expect((await readRecording(started.folder)).output).toContain('\r\n2\r\n3\r\n');
});

it('SHELL5 each attach is answered first by where it goes on, and detach begins the grace time', async () => {
  const started = start('/bin/bash', ['--norc', '-i'], { graceMs: 300 });
  const viewer = new TestViewer(started.session).attach(5);
  expect(viewer.begins).toEqual([0]);
  viewer.type('echo one\r');
  await until('one', () => /one\r\n.*\$ $/s.test(viewer.text));
  const { bytes } = viewer;
  viewer.attach(bytes - 4);
  expect(viewer.begins).toEqual([0, bytes - 4]);
  await until('replayed', () => viewer.bytes === bytes + 4);
  started.session.frame(SHELL_OPS.detach, new Uint8Array());
  await until('over', () => started.isOver);
  expect((await readRecording(started.folder)).state.ended).toBe('link-lost');
});

it('SHELL5 ends when nobody comes back within the grace time', async () => {
  const started = start('/bin/bash', ['--norc', '-i'], { graceMs: 200 });
  const viewer = new TestViewer(started.session).attach();
  await until('prompt', () => viewer.text.includes('$ '));
  started.session.disconnect(viewer);
  await until('over', () => started.isOver);
  expect((await readRecording(started.folder)).state).toMatchObject({ isComplete: true, ended: 'link-lost' });
});

it('SHELL6 input before attach is dropped', async () => {
  const started = start('/bin/bash', ['--norc', '-i']);
  const viewer = new TestViewer(started.session);
  viewer.type('echo early\r');
  viewer.attach();
  viewer.type('echo late; exit\r');
  await until('over', () => started.isOver);
  expect(viewer.text).toContain('late');
  expect(viewer.text).not.toContain('early');
});

it('a second connection takes over from the first, which sends and gets nothing more', async () => {
  const started = start('/bin/bash', ['--norc', '-i']);
  const first = new TestViewer(started.session).attach();
  await until('prompt', () => first.text.includes('$ '));
  const second = new TestViewer(started.session);
  expect(first.isEnded).toBe(true);
  const before = first.bytes;
  second.attach();
  second.type('exit\r');
  await until('over', () => started.isOver);
  expect(first.bytes).toBe(before);
});

it('a paste of 1 MiB arrives whole', async () => {
  const started = start('/bin/bash', ['--norc', '-c', 'stty raw -echo; echo ready; head -c 1048576 | sha256sum']);
  const viewer = new TestViewer(started.session).attach();
  await until('ready', () => viewer.text.includes('ready'));
  const paste = Buffer.alloc(1_048_576, 'The quick brown fox. ').toString('latin1');
  for (let at = 0; at < paste.length; at += 65_536) viewer.type(paste.slice(at, at + 65_536));
  await until('over', () => started.isOver);
  expect(viewer.text).toContain(sha256Hex(paste));
});

it('a program that does not read: input beyond 8 MiB is dropped with a notice, and nothing spins', async () => {
  const started = start('/bin/sleep', ['60']);
  const viewer = new TestViewer(started.session).attach();
  const before = process.cpuUsage();
  for (let at = 0; at < 140; at += 1) viewer.type('x'.repeat(65_536));
  await until('notice', () => viewer.text.includes('bytes of input were dropped'));
  expect(process.cpuUsage(before).user).toBeLessThan(5_000_000);
});

it('resize reaches the program and the recording', async () => {
  const started = start('/bin/bash', ['--norc', '-i']);
  const viewer = new TestViewer(started.session).attach();
  await until('prompt', () => viewer.text.includes('$ '));
  started.session.frame(SHELL_OPS.resize, encodeResize(132, 43));
  started.session.frame(SHELL_OPS.resize, encodeResize(132, 43));
  viewer.type('stty size; exit\r');
  await until('over', () => started.isOver);
  expect(viewer.text).toContain('43 132');
  const resizes = (await readRecording(started.folder)).events.filter((event) => event.code === 'r');
  expect(resizes.map((event) => event.data)).toEqual(['132x43']);
});

it('close ends the whole session, also what ignores the hang-up', async () => {
  const started = start('/bin/bash', ['--norc', '-c', 'trap "" HUP; sleep 300 & echo up; wait; sleep 300']);
  const viewer = new TestViewer(started.session).attach();
  await until('up', () => viewer.text.includes('up'));
  expect(listShell(started.pid, started.mark).length).toBeGreaterThan(1);
  started.session.frame(SHELL_OPS.close, new Uint8Array());
  await until('over', () => started.isOver);
  expect(listShell(started.pid, started.mark)).toEqual([]);
  expect(viewer.exit).toMatchObject({ ending: 'closed', signal: 9, leftOver: 0 });
});

it('close ends what made sessions of its own and was given to process 1', async () => {
  const away = 'setsid sleep 300 </dev/null >/dev/null 2>&1 & (setsid setsid sleep 301 &) ; (trap "" HUP; sleep 302 &)';
  const started = start('/bin/bash', ['--norc', '-c', `${away}; echo up; sleep 303`]);
  const viewer = new TestViewer(started.session).attach();
  await until('up', () => viewer.text.includes('up'));
  await until('all of them', () => listShell(started.pid, started.mark).length >= 4);
  const all = listShell(started.pid, started.mark);
  // Another shell of the same person is another shell.
  const other = start('/bin/sleep', ['304']);
  started.session.frame(SHELL_OPS.close, new Uint8Array());
  await until('over', () => started.isOver);
  expect(all.filter((pid) => processStart(pid) !== null)).toEqual([]);
  expect(viewer.exit).toMatchObject({ ending: 'closed', leftOver: 0 });
  expect(processStart(other.pid)).not.toBeNull();
});

it('an exit leaves background work alone and counts it', async () => {
  const started = start('/bin/bash', ['--norc', '-c', 'trap "" HUP; sleep 300 >/dev/null 2>&1 </dev/null & echo bye']);
  const viewer = new TestViewer(started.session).attach();
  await until('over', () => started.isOver);
  expect(viewer.exit).toMatchObject({ ending: 'exited', leftOver: 1 });
  for (const pid of listShell(started.pid, started.mark)) process.kill(pid, 'SIGKILL');
});

it('the time limit ends the shell', async () => {
  const started = start('/bin/sleep', ['300'], { endsInMs: 100 });
  const viewer = new TestViewer(started.session).attach();
  await until('over', () => started.isOver);
  expect(viewer.exit).toMatchObject({ ending: 'time-limit' });
});

it('the idle limit ends the shell; coming back does not reset it', async () => {
  const started = start('/bin/sleep', ['300'], { idleMs: 300 });
  const again = setInterval(() => new TestViewer(started.session).attach(), 50);
  await until('over', () => started.isOver);
  clearInterval(again);
  expect((await readRecording(started.folder)).state.ended).toBe('time-limit');
});

it('input is recorded only where the policy says so', async () => {
  for (const recordInput of [false, true]) {
    const started = start('/bin/bash', ['--norc', '-c', 'stty -echo; read line'], { recordInput });
    const viewer = new TestViewer(started.session).attach();
    viewer.type('secret\r');
    await until('over', () => started.isOver);
    const typed = (await readRecording(started.folder)).events.filter((event) => event.code === 'i');
    expect(typed.map((event) => event.data)).toEqual(recordInput ? ['secret\r'] : []);
  }
});

it('a nearly full disk ends the shell with a clear sentence and a closed recording', async () => {
  const started = start('/usr/bin/yes', [], {}, { minimumFreeBytes: 2 ** 50, sealAfterMs: 50 });
  const viewer = new TestViewer(started.session).attach();
  await until('over', () => started.isOver);
  expect(viewer.exit).toMatchObject({ ending: 'recording-failed', detail: expect.stringContaining('MiB left') });
  const recording = await readRecording(started.folder);
  expect(recording.state).toMatchObject({ isComplete: true, ended: 'recording-failed' });
  expect(recording.output.startsWith(viewer.text)).toBe(true);
});

it('stops reading the terminal while too much of the recording waits for the controller', async () => {
  const started = start('/usr/bin/yes', [], {}, { backlogBytes: 1, sealAtBytes: 64 * 1024 });
  const viewer = new TestViewer(started.session).attach();
  await until('stopped', () => {
    const stat = readFileSync(`/proc/${started.pid}/stat`, 'latin1');
    return listChunks(started.folder).length > 0 && stat.slice(stat.lastIndexOf(')') + 2).startsWith('S');
  });
  const { length } = listChunks(started.folder);
  const before = viewer.bytes;
  for (const index of listChunks(started.folder)) rmSync(join(started.folder.path, `${index}.chunk`));
  await until('reads again', () => viewer.bytes > before && listChunks(started.folder).length > 0);
  expect(length).toBeLessThan(10);
});

it('SHELL7 chunks are sealed while the shell runs, and output that comes together is one event', async () => {
  const started = start(
    '/bin/bash',
    ['--norc', '-c', 'for i in 1 2 3 4 5; do echo grün; done; read x'],
    {},
    { sealAfterMs: 50 },
  );
  const viewer = new TestViewer(started.session).attach();
  await until('sealed', () => listChunks(started.folder).length > 0);
  viewer.type('\r');
  await until('over', () => started.isOver);
  const recording = await readRecording(started.folder);
  expect(recording.output.startsWith('grün\r\n'.repeat(5))).toBe(true);
  expect(recording.state.nextIndex).toBeGreaterThan(1);
});
