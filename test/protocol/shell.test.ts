import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import {
  createLocalConnection,
  loadKeyPair,
  sha256Hex,
  verifyRecordingHeader,
  type LocalConnection,
} from '@hauban/link';
import {
  decodeOutput,
  decodeShellFrame,
  encodeAttach,
  encodeCredit,
  encodeResize,
  encodeShellFrame,
  LOCAL_KINDS,
  parseShellExit,
  SHELL_OPS,
  splitRecordingChunk,
  type ShellExit,
  type ShellOrder,
} from '@hauban/shared/protocol';
import { checkChunkText, followChain, parseCast, type CastEvent, type ChainState } from '@hauban/shared/recording';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createExecutorNode, OPEN_POLICY, type ExecutorNode, type LinkSide } from '../support/executor-harness.ts';
import { waitFor } from '../support/wait-for.ts';

const ME = process.getuid?.() === 0 ? 'root' : (process.env['USER'] ?? '');
let node: ExecutorNode;
let link: LinkSide;
beforeEach(async () => {
  node = await createExecutorNode();
  node.writePolicy(OPEN_POLICY.replace('"root"', `"root", "www-data", "nobody", "${ME}"`));
  await node.start();
  link = await node.connect();
});
afterEach(async () => {
  link.close();
  for (const pid of hostPids()) process.kill(pid, 'SIGKILL');
  await node.cleanUp();
});

const sessionFolders = (): readonly string[] => readdirSync(node.config.paths.recordingsDir);

/** Shell hosts of this node that are alive. */
function hostPids(): readonly number[] {
  return sessionFolders().flatMap((session) => {
    const path = join(node.config.paths.recordingsDir, session, 'host/host.json');
    if (!existsSync(path)) return [];
    const { pid } = JSON.parse(readFileSync(path, 'utf8')) as { pid: number };
    return existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('shell-host')
      ? [pid]
      : [];
  });
}

/** The link process's end of a shell's socket: pays for what it gets. */
class Terminal {
  readonly session: string;
  readonly connection: LocalConnection;
  readonly pieces: Buffer[] = [];
  offset: number;
  exit: ShellExit | null = null;
  isClosed = false;

  private constructor(session: string, socketPath: string, offset: number, whenOpen: () => void) {
    this.session = session;
    this.offset = offset;
    const socket = connect(socketPath, whenOpen);
    this.connection = createLocalConnection(socket, {
      frame: ({ body }) => this.#frame(body),
      ended: () => {
        this.isClosed = true;
      },
    });
  }

  static async attach(session: string, socketPath: string, offset = 0): Promise<Terminal> {
    const terminal = await new Promise<Terminal>((resolve) => {
      const opening = new Terminal(session, socketPath, offset, () => resolve(opening));
    });
    terminal.send(SHELL_OPS.attach, encodeAttach(offset));
    return terminal;
  }

  #frame(body: Uint8Array): void {
    const frame = decodeShellFrame(body);
    if (frame === null || frame.session !== this.session) throw new Error('not a frame of this session');
    if (frame.op === SHELL_OPS.exit) {
      const parsed = parseShellExit(Buffer.from(frame.body).toString('utf8'));
      if (!parsed.ok) throw new Error(parsed.problem);
      this.exit = parsed.value;
      return;
    }
    const output = decodeOutput(frame.body);
    if (frame.op !== SHELL_OPS.output || output === null) throw new Error('not an output frame');
    if (output.data.length === 0) {
      this.offset = output.offset;
      return;
    }
    if (output.offset !== this.offset) throw new Error(`output at ${output.offset}, expected at ${this.offset}`);
    this.offset += output.data.length;
    this.pieces.push(Buffer.from(output.data));
    this.send(SHELL_OPS.credit, encodeCredit(output.data.length));
  }

  send(op: (typeof SHELL_OPS)[keyof typeof SHELL_OPS], body: Uint8Array): void {
    this.connection.send(LOCAL_KINDS.shell, encodeShellFrame({ op, session: this.session, body }));
  }

  type(text: string): void {
    this.send(SHELL_OPS.input, Buffer.from(text));
  }

  get text(): string {
    return Buffer.concat(this.pieces).toString('utf8');
  }

  async shows(what: RegExp): Promise<void> {
    await waitFor(
      `${String(what)} on the terminal, which shows ${JSON.stringify(this.text.slice(-300))}`,
      () => what.test(this.text),
      { intervalMs: 5 },
    );
  }

  async ends(): Promise<ShellExit> {
    return await waitFor('the exit frame', () => this.exit, { intervalMs: 5 });
  }
}

async function open(change: Partial<ShellOrder> = {}): Promise<{ readonly session: string; readonly socket: string }> {
  const order = node.shellOrder({ user: ME, ...change });
  const receipt = await node.run(link, order);
  expect(receipt).toMatchObject({ outcome: 'succeeded', kind: 'shell' });
  const { socket } = await link.next('shell.started', ({ session }) => session === order.session);
  return { session: order.session, socket };
}

/** Waits for the last chunk of a recording and checks the whole chain as the controller does. */
async function recording(
  session: string,
): Promise<{ readonly state: ChainState; readonly events: readonly CastEvent[]; readonly output: string }> {
  const key = loadKeyPair(node.config.paths.receiptKeyFile)?.publicText ?? '';
  let state: ChainState | null = null;
  let cast = '';
  for (let index = 0; state?.isComplete !== true; index += 1) {
    const { file } = await link.next(
      'recording.ready',
      (message) => message.session === session && message.index === index,
    );
    const chunk = splitRecordingChunk(readFileSync(file));
    if (chunk === null) throw new Error(`chunk ${index} is damaged`);
    const header = await verifyRecordingHeader(chunk.jws, key);
    if (!header.ok) throw new Error(header.detail);
    expect(sha256Hex(chunk.data)).toBe(header.value.sha256);
    const text = inflateSync(chunk.data).toString('utf8');
    expect(checkChunkText(header.value, text)).toBeNull();
    const followed = followChain(state, { session, node: node.nodeId }, header.value, sha256Hex(chunk.jws));
    if (!followed.ok) throw new Error(followed.problem);
    state = followed.state;
    cast += text;
  }
  const parsed = parseCast(cast);
  if (!parsed.ok) throw new Error(parsed.problem);
  return {
    state,
    events: parsed.events,
    output: parsed.events.map(({ code, data }) => (code === 'o' ? data : '')).join(''),
  };
}

describe('SHELL1 a shell needs a permit and a policy', () => {
  it('SHELL1 a permit for a listed user opens a login shell with exactly our environment', async () => {
    const { session, socket } = await open();
    const terminal = await Terminal.attach(session, socket);
    terminal.type(
      'echo "[$(id -un)|$PWD|$HOME|$TERM|$LANG|$(umask)|$(ulimit -Sn)|$(tty)]"; env | grep ^HAUBAN; exit 3\r',
    );
    expect(await terminal.ends()).toMatchObject({ ending: 'exited', status: 3, leftOver: 0 });
    const { homedir } = await import('node:os');
    expect(terminal.text).toMatch(
      new RegExp(
        `\\[${ME}\\|${homedir()}\\|${homedir()}\\|xterm-256color\\|C.UTF-8\\|0022\\|1024\\|/dev/pts/[0-9]+\\]`,
      ),
    );
    // The mark by which its programs are found when it is ended, and nothing else of ours.
    expect([...terminal.text.matchAll(/^HAUBAN.*$/gm)].map(([line]) => line.trim())).toEqual([
      `HAUBAN_SHELL=${session}`,
    ]);
    expect((await recording(session)).output).toBe(terminal.text);
  });

  it.each([
    ['a user who is not in the policy', { user: 'daemon' }, 'POLICY_DENIED'],
    ['a user who does not exist, though in the policy', { user: 'ghost' }, 'SHELL_REFUSED'],
    ['a user whose shell is nologin', { user: 'nobody' }, 'SHELL_REFUSED'],
  ])('SHELL1 %s', async (_attack, change, code) => {
    node.writePolicy(OPEN_POLICY.replace('"root"', '"root", "ghost", "nobody"'));
    const order = node.shellOrder(change);
    expect(await node.run(link, order)).toMatchObject({ outcome: 'refused', code });
    await link.next('shell.refused', ({ session }) => session === order.session);
    expect(sessionFolders()).toEqual([]);
  });

  it('SHELL1 a permit is used once: the second time there is no second shell', async () => {
    const order = node.shellOrder({ user: ME });
    const jws = await node.sign(order);
    link.send({ t: 'order', jws });
    await link.next('shell.started');
    await link.next('receipt');
    const before = hostPids();
    link.send({ t: 'order', jws });
    await expect.poll(() => link.messages.filter(({ t }) => t === 'receipt').length, { interval: 5 }).toBe(2);
    expect(hostPids()).toEqual(before);
    const other = node.shellOrder({ user: ME, session: order.session });
    expect(await node.run(link, other)).toMatchObject({ outcome: 'refused' });
    expect(hostPids()).toEqual(before);
  });

  it('SHELL1 the policy makes the time of a permit shorter, never longer', async () => {
    const order = node.shellOrder({ user: ME });
    const { session, socket } = await open({ endsAt: order.iat + 400 });
    const terminal = await Terminal.attach(session, socket);
    expect(await terminal.ends()).toMatchObject({ ending: 'time-limit' });
  });

  it.runIf(ME === 'root')('SHELL1 another user gets the ids and groups of that user and nothing of root', async () => {
    writeFileSync(join(node.root, 'etc/passwd-line'), '');
    const { findLoginShell } = await import('../../packages/agent/src/executor/login-shell.ts');
    const user = { name: 'www-data', uid: 33, gid: 33, comment: '', home: '/nonexistent', shell: '/bin/bash' };
    const found = findLoginShell(user, 0, false);
    if (!found.ok) throw new Error(found.detail);
    const { execFileSync } = await import('node:child_process');
    const { program, args, env, cwd } = found.shell;
    const script = 'id; grep -E "^(Uid|Gid|Groups|CapEff|CapPrm)" /proc/self/status; pwd\n';
    const said = execFileSync(program, [...args], { env, cwd, input: script, encoding: 'utf8' });
    expect(said).toContain('uid=33(www-data) gid=33(www-data) groups=33(www-data)');
    expect(said).toMatch(/Uid:\t33\t33\t33\t33/);
    expect(said).toMatch(/CapEff:\t0+\n/);
    expect(said.endsWith('/\n')).toBe(true);
  });
});

describe('SHELL2 each shell is a process of its own', () => {
  it('SHELL2 it lives on when the executor is killed, and its recording goes on being sent', async () => {
    const { session, socket } = await open();
    const terminal = await Terminal.attach(session, socket);
    terminal.type('echo before\r');
    await terminal.shows(/\rbefore\r\n/);
    await node.kill();
    terminal.type('echo while\r');
    await terminal.shows(/\rwhile\r\n/);
    await node.start();
    link = await node.connect();
    link.send({ t: 'sync' });
    expect((await link.next('facts')).shells).toEqual([session]);
    terminal.type('echo after; exit\r');
    await terminal.ends();
    const recorded = await recording(session);
    expect(recorded.output).toBe(terminal.text);
    expect(recorded.state.ended).toBe('exited');
  });

  it('SHELL2 killing one shell host ends only that shell', async () => {
    const one = await open();
    const two = await open();
    const first = await Terminal.attach(one.session, one.socket);
    const second = await Terminal.attach(two.session, two.socket);
    await first.shows(/[$#] $/);
    const host = JSON.parse(
      readFileSync(join(node.config.paths.recordingsDir, one.session, 'host/host.json'), 'utf8'),
    ) as {
      pid: number;
    };
    process.kill(host.pid, 'SIGKILL');
    await waitFor('the first connection to end', () => first.isClosed, { intervalMs: 5 });
    second.type('echo still $((1+1)); exit\r');
    await second.shows(/still 2/);
    expect((await recording(one.session)).state.ended).toBe('crashed');
  });
});

describe('SHELL3 frames', () => {
  it.each([
    [
      'a frame of another session',
      () =>
        encodeShellFrame({
          op: SHELL_OPS.input,
          session: '00000000-0000-4000-8000-000000000000',
          body: Buffer.from('id\r'),
        }),
    ],
    [
      'an operation that only a node sends',
      (session: string) => encodeShellFrame({ op: SHELL_OPS.output, session, body: new Uint8Array(8) }),
    ],
    [
      'a size of zero',
      (session: string) => encodeShellFrame({ op: SHELL_OPS.resize, session, body: encodeResize(0, 24) }),
    ],
    [
      'credit of the wrong length',
      (session: string) => encodeShellFrame({ op: SHELL_OPS.credit, session, body: new Uint8Array(3) }),
    ],
    ['no frame', () => new Uint8Array(5)],
  ])('SHELL3 %s ends the connection, not the shell', async (_attack, make) => {
    const { session, socket } = await open();
    const bad = await Terminal.attach(session, socket);
    bad.connection.send(LOCAL_KINDS.shell, make(session));
    await waitFor('the bad connection to end', () => bad.isClosed, { intervalMs: 5 });
    const good = await Terminal.attach(session, socket);
    good.type('echo fine; exit\r');
    expect(await good.ends()).toMatchObject({ ending: 'exited' });
    expect(good.text).toContain('fine');
  });

  it.runIf(ME === 'root')('SHELL3 nobody but the owner can reach the socket', async () => {
    const { socket } = await open();
    expect(statSync(socket).mode & 0o777).toBe(0o600);
  });
});

describe('SHELL5 and SHELL8', () => {
  it('SHELL5 after the link process was killed, attach goes on where it stopped', async () => {
    const { session, socket } = await open();
    const first = await Terminal.attach(session, socket);
    first.type('for i in $(seq 1 200); do echo line $i; sleep 0.002; done; exit\r');
    await first.shows(/line 20\r\n/);
    first.connection.destroy();
    const seen = first.text;
    const second = await Terminal.attach(session, socket, first.offset);
    await second.ends();
    expect((await recording(session)).output).toBe(seen + second.text);
  });

  it('SHELL8 a chunk is kept until its acknowledgement, then removed, and at last the folder', async () => {
    const { session, socket } = await open();
    const terminal = await Terminal.attach(session, socket);
    terminal.type('exit\r');
    await terminal.ends();
    const { state } = await recording(session);
    const folder = join(node.config.paths.recordingsDir, session);
    await waitFor('the host to end', () => hostPids().length === 0, { intervalMs: 5 });
    link.send({ t: 'sync' });
    await link.next('facts');
    expect(readdirSync(folder).filter((name) => name.endsWith('.chunk'))).toHaveLength(state.nextIndex);
    for (let index = state.nextIndex + 3; index >= 0; index -= 1) link.send({ t: 'recording.ack', session, index });
    await waitFor('the folder to go', () => !existsSync(folder), { intervalMs: 5 });
    expect(existsSync(socket)).toBe(false);
  });

  it('SHELL8 chunks and their folder are closed to others', async () => {
    const { session } = await open();
    const folder = join(node.config.paths.recordingsDir, session);
    expect(statSync(folder).mode & 0o777).toBe(0o750);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o007, name).toBe(0);
  });
});

describe('SHELL9 a recording without an end gets one', () => {
  it('SHELL9 killed host and killed executor: the next executor closes it with all that was shown', async () => {
    const { session, socket } = await open();
    const terminal = await Terminal.attach(session, socket);
    terminal.type('seq 1 5000; printf "\\xe2\\x82"; sleep 60\r');
    await terminal.shows(/\r\n5000\r\n/);
    await node.kill();
    for (const pid of hostPids()) process.kill(pid, 'SIGKILL');
    await waitFor('the terminal to be cut', () => terminal.isClosed, { intervalMs: 5 });
    await node.start();
    link = await node.connect();
    link.send({ t: 'sync' });
    const { state, events, output } = await recording(session);
    expect(state).toMatchObject({ isComplete: true, ended: 'crashed' });
    expect(output.startsWith(terminal.text.replaceAll('\ufffd', ''))).toBe(true);
    expect(events.at(-1)).toMatchObject({ code: 'm' });
    expect(existsSync(socket)).toBe(false);
  });

  it.each(Array.from({ length: 12 }, (_unused, index) => index))(
    'SHELL9 killed at a random moment of bulk output (%i)',
    async (round) => {
      const { session, socket } = await open();
      const terminal = await Terminal.attach(session, socket);
      terminal.type('stty -echo; base64 /dev/urandom\r');
      await waitFor('output', () => terminal.offset > 1000 + round * 400_000, { intervalMs: 1 });
      for (const pid of hostPids()) process.kill(pid, 'SIGKILL');
      await waitFor('the terminal to be cut', () => terminal.isClosed, { intervalMs: 5 });
      const { state, output } = await recording(session);
      expect(state).toMatchObject({ isComplete: true, ended: 'crashed' });
      expect(output.startsWith(terminal.text)).toBe(true);
    },
  );

  it('SHELL9 a damaged recording does not hold up another', async () => {
    const one = await open();
    const two = await open();
    await node.kill();
    for (const pid of hostPids()) process.kill(pid, 'SIGKILL');
    const folder = join(node.config.paths.recordingsDir, one.session);
    writeFileSync(join(folder, 'host/0.open'), 'garbage');
    await node.start();
    link = await node.connect();
    link.send({ t: 'sync' });
    expect((await recording(two.session)).state.ended).toBe('crashed');
  });
});
