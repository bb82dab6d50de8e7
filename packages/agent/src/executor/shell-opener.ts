import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { HostAccounts } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { shellEndMs } from '@hauban/shared/policy';
import type { ShellOrder } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import { SHELL_MARK } from '../proc/session-processes.ts';
import { RECORDER_LIMITS } from '../shell/recorder.ts';
import { parseHostAnswer, type HostAnswer, type ShellOptions } from '../shell/shell-options.ts';
import {
  createRecordingFolder,
  closeDescriptor,
  freeBytes,
  isFolder,
  openProblemFile,
  removeRecordingFolder,
  type RecordingFolder,
} from '../store/index.ts';
import type { ListenAt } from './executor-server.ts';
import type { LoadedPolicy } from './local-policy.ts';
import { findLoginShell } from './login-shell.ts';
import type { OpenedShell } from './order-desk.ts';
import { startShellUnit } from './shell-unit.ts';

export interface ShellOpenerParts {
  readonly clock: Clock;
  readonly nodeId: string;
  readonly hostName: string;
  readonly accounts: HostAccounts;
  readonly ownUid: number;
  readonly policy: () => LoadedPolicy;
  readonly recordingsDir: string;
  readonly shellsDir: string;
  readonly receiptKeyFile: string;
  /** Group of the link process, or null. */
  readonly gid: number | null;
  /** Started by systemd, on its socket, we are the installed agent, whose shells are units of systemd too. */
  readonly listenAt: ListenAt;
  /** Program and first arguments of `shell-host`, where systemd does not start it. */
  readonly hostProgram: readonly [string, ...string[]];
  readonly openCount: () => number;
  /** A host was started: its recording is to be watched. */
  readonly started: (session: string) => void;
  /** A host that is a child of this process has ended. The end of others is found by looking. */
  readonly ended: () => void;
}

/** More at once are a mistake or an attack; each is two processes of root. */
const MOST_SHELLS = 100;
/** A shell host has answered within about 100 ms when measured. */
const ANSWER_WITHIN_MS = 10_000;
const ANSWER_LIMIT_BYTES = 4096;

const refused = (detail: string): OpenedShell => ({ ok: false, code: 'SHELL_REFUSED', detail });

/** Starts the host's process: its own session, so that it outlives this one; nothing on its command line. */
function startHost(parts: ShellOpenerParts, folder: RecordingFolder): ChildProcess {
  const [program, ...args] = parts.hostProgram;
  const problems = openProblemFile(folder);
  try {
    return spawn(program, args, { detached: true, stdio: ['pipe', 'pipe', problems], env: {}, cwd: '/' });
  } finally {
    closeDescriptor(problems);
  }
}

/** The host's one line, or why there is none. */
async function readAnswer(child: ChildProcess, clock: Clock): Promise<HostAnswer> {
  return await new Promise((resolve) => {
    let text = '';
    const settle = (started: boolean, problem: string): void => {
      timer.cancel();
      resolve({ started, problem });
    };
    const timer = clock.after(ANSWER_WITHIN_MS, () => settle(false, 'it did not answer in time'));
    child.on('error', (error) => settle(false, `it cannot be started: ${error.message}`));
    child.on('exit', (code, signal) => settle(false, `it ended at once (${signal ?? `status ${code}`})`));
    child.stdin?.on('error', (error) => settle(false, `it takes no options: ${error.message}`));
    child.stdout?.on('data', (bytes: Buffer) => {
      text += bytes.toString('utf8');
      if (!text.includes('\n') && text.length < ANSWER_LIMIT_BYTES) return;
      const answer = parseHostAnswer(text.split('\n')[0] ?? '');
      if (answer.ok) settle(answer.value.started, answer.value.problem);
      else settle(false, 'its answer is not understood');
    });
  });
}

/** A host as a process of our own: where no systemd started us. */
async function startChild(
  parts: ShellOpenerParts,
  folder: RecordingFolder,
  options: ShellOptions,
): Promise<HostAnswer> {
  const child = startHost(parts, folder);
  child.stdin?.end(JSON.stringify(options));
  const answer = await readAnswer(child, parts.clock);
  child.stdout?.destroy();
  if (!answer.started) {
    child.kill('SIGKILL');
    return answer;
  }
  child.removeAllListeners('exit').on('exit', parts.ended);
  child.unref();
  return answer;
}

async function handOver(parts: ShellOpenerParts, folder: RecordingFolder, options: ShellOptions): Promise<OpenedShell> {
  const answer =
    parts.listenAt.kind === 'inherited'
      ? await startShellUnit(parts.shellsDir, options, parts.clock)
      : await startChild(parts, folder, options);
  if (!answer.started) {
    removeRecordingFolder(folder);
    return refused(`the shell could not be started: ${answer.problem}`);
  }
  parts.started(options.session);
  return { ok: true, socket: options.socket };
}

/** Opens a shell for a permit that was checked: finds the user, makes the recording's folder, starts the host. */
export async function openShell(order: ShellOrder, parts: ShellOpenerParts): Promise<OpenedShell> {
  const loaded = parts.policy();
  if (!loaded.ok) return { ok: false, code: 'POLICY_DENIED', detail: "the node's policy file is not usable" };
  if (parts.openCount() >= MOST_SHELLS) return refused(`${MOST_SHELLS} shells are open on this node already`);
  const user = await parts.accounts.userByName(order.user);
  if (user === null) return refused(`there is no user ${order.user} on this node`);
  // Approvals and the policy file go by the name: another name for root would get by with less.
  if (user.uid === 0 && user.name !== 'root')
    return refused(`${order.user} is root under another name: ask for a shell as root`);
  const found = findLoginShell(user, parts.ownUid, isFolder(user.home));
  if (!found.ok) return refused(found.detail);
  const { policy } = loaded;
  const folder = { path: join(parts.recordingsDir, order.session), gid: parts.gid };
  try {
    if (freeBytes(parts.recordingsDir) < 2 * RECORDER_LIMITS.minimumFreeBytes)
      return refused('the disk of this node is too full to record a shell, and a shell is never unrecorded');
    createRecordingFolder(folder);
    return await handOver(parts, folder, {
      v: 1,
      session: order.session,
      node: parts.nodeId,
      title: `${user.name}@${parts.hostName}`.slice(0, 200),
      folder: folder.path,
      socket: join(parts.shellsDir, `${order.session}.sock`),
      gid: parts.gid,
      receiptKey: parts.receiptKeyFile,
      program: found.shell.program,
      args: found.shell.args,
      env: { ...found.shell.env, [SHELL_MARK]: order.session },
      cwd: found.shell.cwd,
      columns: order.columns,
      rows: order.rows,
      endsAt: shellEndMs(policy, parts.clock.nowMs(), order.endsAt),
      graceMs: policy.shell.graceSeconds * 1000,
      idleMs: policy.shell.idleMinutes * 60_000,
      recordInput: policy.shell.recordInput,
      minimumFreeBytes: RECORDER_LIMITS.minimumFreeBytes,
    });
  } catch (error) {
    if (!(error instanceof HaubanError)) throw error;
    return { ok: false, code: error.code, detail: error.detail };
  }
}
