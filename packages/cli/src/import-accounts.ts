import { createHash } from 'node:crypto';
import type { RunDetail, RunRequest } from '@hauban/shared/api';
import type { AccountLine } from './account-csv.ts';
import type { ApiClient } from './api-client.ts';
import type { ChosenNodes } from './choose-nodes.ts';
import { EXIT, exitForStates } from './exit-codes.ts';

/** One run an account. Its key comes from its content: the same file again starts nothing twice and goes on where it was. */

export interface ImportedAccount {
  readonly line: number;
  readonly name: string;
  readonly run: string;
  readonly exit: number;
  /** Of the first node that did not do it; empty when all did. */
  readonly says: string;
}
export interface ImportOptions {
  readonly where: ChosenNodes['where'];
  /** So many runs at a time. */
  readonly atOnce: number;
  readonly reason: string | undefined;
  readonly onDone: (done: ImportedAccount) => void;
  /** Nothing further is started; what has been started goes on without us. */
  readonly signal: AbortSignal;
}

/** A run may wait this long behind the others of its node. */
const START_WITHIN_MS = 3_600_000;
const LOOK_MS = 20_000;
/** A run that failed is not run again under its key: each time the file is imported, the next key has its turn. */
const ATTEMPTS = 20;

export function importKey(args: AccountLine['args'], where: ChosenNodes['where'], attempt: number): string {
  const sorted = Object.entries(args).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([sorted, where, attempt]);
  return `account-import-${createHash('sha256').update(text).digest('hex').slice(0, 40)}`;
}

const exitOf = (run: RunDetail): number => exitForStates(Object.keys(run.counts));

/** The run of that line: the one that goes on or has succeeded, or a new one. */
async function startLine(
  api: ApiClient,
  { args }: AccountLine,
  options: ImportOptions,
  since: number,
): Promise<RunDetail> {
  for (let attempt = 1; ; attempt += 1) {
    const request: RunRequest = {
      action: 'account.create',
      args,
      ...options.where,
      mode: 'apply',
      startWithinMs: START_WITHIN_MS,
      idempotencyKey: importKey(args, options.where, attempt),
      ...(options.reason === undefined ? {} : { reason: options.reason }),
    };
    const run = await api.post<RunDetail>('/api/runs', request);
    const isOld = run.finishedAt !== null && run.createdAt < since && exitOf(run) !== EXIT.ok;
    if (!isOld || attempt === ATTEMPTS) return run;
  }
}

async function importLine(
  api: ApiClient,
  line: AccountLine,
  options: ImportOptions,
  since: number,
): Promise<ImportedAccount> {
  let run = await startLine(api, line, options, since);
  while (run.finishedAt === null && !options.signal.aborted)
    run = await api.get<RunDetail>(`/api/runs/${run.id}`, { waitMs: LOOK_MS });
  const exit = run.finishedAt === null ? EXIT.detached : exitOf(run);
  const failed = run.targets.find(({ state }) => state !== 'succeeded' && state !== 'unchanged');
  const says = exit === EXIT.ok || failed === undefined ? '' : `${failed.hostName}: ${failed.state} ${failed.detail}`;
  return { line: line.line, name: String(line.args['name']), run: run.id, exit, says };
}

/** All lines, several at a time; one that fails does not keep the others from going on. */
export async function importAccounts(
  api: ApiClient,
  lines: readonly AccountLine[],
  options: ImportOptions,
  since: number,
): Promise<readonly ImportedAccount[]> {
  const waiting = [...lines];
  const done: ImportedAccount[] = [];
  const work = async (): Promise<void> => {
    for (let line = waiting.shift(); line !== undefined && !options.signal.aborted; line = waiting.shift()) {
      const imported = await importLine(api, line, options, since);
      done.push(imported);
      options.onDone(imported);
    }
  };
  await Promise.all(Array.from({ length: options.atOnce }, work));
  return done.toSorted((a, b) => a.line - b.line);
}
