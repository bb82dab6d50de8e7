import { execFile } from 'node:child_process';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import { parseHostAnswer, type HostAnswer, type ShellOptions } from '../shell/shell-options.ts';
import { createShellExchange, type ShellExchange } from '../store/index.ts';

/**
 * A shell host that systemd starts, from the template `hauban-shell@.service`: its parent is process 1, so it has nothing
 * of the executor's sandbox, sees the machine as a login at the console does, and lives on when the executor ends. All
 * that a person starts in it is in one control group, which ends with it.
 */
const SYSTEMCTL = '/usr/bin/systemctl';
const SYSTEMCTL_WITHIN_MS = 20_000;
/** A shell host has answered within about 100 ms when measured. */
const ANSWER_WITHIN_MS = 10_000;
const ANSWER_CHECK_MS = 20;

const unitOf = (session: string): string => `hauban-shell@${session}.service`;

/** @returns what systemctl says when it fails, or null */
async function systemctl(...args: readonly string[]): Promise<string | null> {
  return await new Promise((resolve) => {
    execFile(
      SYSTEMCTL,
      ['--no-ask-password', '--quiet', ...args],
      { cwd: '/', env: { LANG: 'C.UTF-8' }, timeout: SYSTEMCTL_WITHIN_MS, maxBuffer: 64 * 1024 },
      (error, _stdout, stderr) => resolve(error === null ? null : stderr.trim().slice(0, 300) || error.message),
    );
  });
}

const failed = (problem: string): HostAnswer => ({ started: false, problem });

async function waitForAnswer(exchange: ShellExchange, clock: Clock): Promise<HostAnswer> {
  const untilMs = clock.monotonicMs() + ANSWER_WITHIN_MS;
  while (clock.monotonicMs() < untilMs) {
    const [line, rest] = exchange.answer().split('\n', 2);
    if (rest !== undefined) {
      const answer = parseHostAnswer(line ?? '');
      return answer.ok ? answer.value : failed('its answer is not understood');
    }
    await new Promise<void>((resolve) => void clock.after(ANSWER_CHECK_MS, resolve));
  }
  return failed('it did not answer in time');
}

/** Starts the host of a session and waits for its answer. One that has not started leaves nothing running. */
export async function startShellUnit(shellsDir: string, options: ShellOptions, clock: Clock): Promise<HostAnswer> {
  const unit = unitOf(options.session);
  const exchange = createShellExchange(shellsDir, options.session, JSON.stringify(options));
  try {
    const problem = await systemctl('start', '--', unit);
    const answer = problem === null ? await waitForAnswer(exchange, clock) : failed(`systemd: ${problem}`);
    if (!answer.started) await systemctl('stop', '--', unit);
    return answer;
  } catch (error) {
    if (!(error instanceof HaubanError)) throw error;
    return failed(error.detail);
  } finally {
    exchange.remove();
  }
}
