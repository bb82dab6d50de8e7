import { createServer, type Server, type Socket } from 'node:net';
import { createLocalConnection, loadKeyPair, type KeyPair } from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import { decodeShellFrame, encodeShellFrame, LOCAL_KINDS } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import { processStart } from '../proc/session-processes.ts';
import { openSocketTo, removeSocket, writeHostFile, type RecordingFolder } from '../store/index.ts';
import { startPty } from './pty-process.ts';
import { Recorder, RECORDER_LIMITS } from './recorder.ts';
import { parseShellOptions, SHELL_OPTIONS_LIMIT_BYTES, type HostAnswer, type ShellOptions } from './shell-options.ts';
import { ShellSession, type Viewer } from './shell-session.ts';
import { createRecordSigner } from './sign-record.ts';

/** How long the last bytes may take to be read by the other end. */
const LINGER_MS = 5000;

/** What this program needs of the process it runs in. */
export interface ShellHostParts {
  readonly clock: Clock;
  /** Standard input: the options as JSON, to its end. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Writes the one line of answer and closes standard output. */
  answer(line: string): void;
}

async function readOptions(input: AsyncIterable<Uint8Array>): Promise<ShellOptions> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of input) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > SHELL_OPTIONS_LIMIT_BYTES) throw new HaubanError('CONFIG_BAD', 'the options of the shell are too long');
  }
  const parsed = parseShellOptions(Buffer.concat(pieces).toString('utf8'));
  if (!parsed.ok) throw new HaubanError('CONFIG_BAD', `the options of the shell: ${parsed.problem}`);
  return parsed.value;
}

function loadReceiptKey(path: string): KeyPair {
  const key = loadKeyPair(path);
  if (key === null) throw new HaubanError('CONFIG_BAD', `the receipt key ${path} is missing`);
  return key;
}

/** Listens where only the own user and the link process's group can connect: closed first, then opened to the group. */
async function listen(server: Server, options: ShellOptions): Promise<void> {
  const umask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) =>
        reject(new HaubanError('FILE_FAILED', `cannot listen on ${options.socket}`, { cause: error })),
      );
      server.listen(options.socket, resolve);
    });
  } finally {
    process.umask(umask);
  }
  openSocketTo(options.socket, options.gid);
}

/** Speaks with the link process over one connection; anything that is not a frame of this session ends it. */
function serveViewer(socket: Socket, session: ShellSession, id: string): void {
  const connection = createLocalConnection(socket, {
    frame: ({ kind, body }) => {
      const frame = kind === LOCAL_KINDS.shell ? decodeShellFrame(body) : null;
      if (frame === null || frame.session !== id || !session.frame(frame.op, frame.body)) connection.destroy();
    },
    ended: () => session.disconnect(viewer),
  });
  const viewer: Viewer = {
    send: (op, body) => connection.send(LOCAL_KINDS.shell, encodeShellFrame({ op, session: id, body })),
    onceDrained: (callback) => connection.onceDrained(callback),
    end: () => connection.end(),
  };
  session.connect(viewer);
}

function startSession(options: ShellOptions, clock: Clock, over: () => void): ShellSession {
  const folder: RecordingFolder = { path: options.folder, gid: options.gid };
  const { session: id, node, columns, rows, title } = options;
  const cast = { columns, rows, terminal: options.env['TERM'] ?? 'dumb', startedAt: clock.nowMs(), title };
  const recorder = new Recorder({
    folder,
    head: { session: id, node, index: 0, prev: null, offset: 0, lastAtMs: 0, cast },
    sign: createRecordSigner(loadReceiptKey(options.receiptKey)),
    clock,
    limits: { ...RECORDER_LIMITS, minimumFreeBytes: options.minimumFreeBytes },
    failed: (error) => session.fail(error),
  });
  writeHostFile(folder, {
    v: 1,
    session: id,
    pid: process.pid,
    start: processStart(process.pid),
    socket: options.socket,
  });
  const { program, args, env, cwd } = options;
  // The service that started us keeps its own files from others; a person's shell has the usual mask.
  process.umask(0o022);
  const session = new ShellSession(
    {
      clock,
      recorder,
      over,
      mark: id,
      startPty: (events) => startPty({ program, args, env, cwd, columns, rows }, clock, events),
    },
    {
      endsInMs: Math.max(0, options.endsAt - clock.nowMs()),
      graceMs: options.graceMs,
      idleMs: options.idleMs,
      recordInput: options.recordInput,
    },
  );
  return session;
}

/**
 * Program `shell-host`: one shell, its recording and its socket. Resolves when all is delivered or given up. It lives on
 * when the executor or the link process ends; SIGTERM ends the shell in order.
 */
export async function runShellHost(parts: ShellHostParts): Promise<void> {
  const answer = (value: HostAnswer): void => parts.answer(`${JSON.stringify(value)}\n`);
  try {
    const options = await readOptions(parts.input);
    const sockets = new Set<Socket>();
    const server = createServer();
    await listen(server, options);
    await new Promise<void>((resolve) => {
      const session = startSession(options, parts.clock, resolve);
      server.on('connection', (socket) => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
        serveViewer(socket, session, options.session);
      });
      process.on('SIGTERM', () => session.end('closed', 'The shell was closed because the node stops.'));
      answer({ started: true, problem: '' });
    });
    const givenUp = parts.clock.after(LINGER_MS, () => sockets.forEach((socket) => socket.destroy()));
    server.close(() => givenUp.cancel());
    removeSocket(options.socket);
  } catch (error) {
    if (!(error instanceof HaubanError)) throw error;
    answer({ started: false, problem: error.detail.slice(0, 500) });
  }
}
