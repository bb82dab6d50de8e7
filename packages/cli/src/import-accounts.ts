import { createHash } from 'node:crypto';
import type { RunDetail, RunRequest } from '@hauban/shared/api';
import type { AccountLine } from './account-csv.ts';
import type { ApiClient } from './api-client.ts';
import type { ChosenNodes } from './choose-nodes.ts';
import { CliError } from './cli-error.ts';
import { EXIT, exitForStates } from './exit-codes.ts';

/**
 * Some accounts a run: one order makes all of them, or none. A run that fails is halved until what can not be made stands
 * alone. The key of a run comes from what is in it: the same file again starts nothing twice and goes on where it was.
 */

export interface ImportedAccount {
  readonly line: number;
  readonly name: string;
  readonly domain: string;
  /** Null: the controller did not take it. */
  readonly run: string | null;
  readonly exit: number;
  /** Done by an import before this one. */
  readonly isOld: boolean;
  /** Of the first node that did not do it; empty when all did. */
  readonly says: string;
}
export interface ImportOptions {
  readonly where: ChosenNodes['where'];
  /** So many runs at a time. */
  readonly atOnce: number;
  /** So many accounts a run. */
  readonly together: number;
  readonly reason: string | undefined;
  /** Part of every key: another one makes every run a new one. */
  readonly round: string;
  readonly onDone: (done: readonly ImportedAccount[]) => void;
  /** Nothing further is started; what has been started goes on without us. */
  readonly signal: AbortSignal;
  readonly pause: (ms: number) => Promise<void>;
}

/** A run may wait this long behind the others of its node. */
const START_WITHIN_MS = 3_600_000;
const LOOK_MS = 20_000;
/** A run that failed is not run again under its key: each time the file is imported, the next key has its turn. */
const ATTEMPTS = 20;
/** The controller may be restarted meanwhile: asking again is safe, because of the keys. */
const ASK_AGAIN_MS = 2000;
const ASK_AGAIN_TIMES = 150;
/** When so many fail and none works, the fault is not in the file. */
const GIVE_UP_AFTER = 50;

type Args = Readonly<Record<string, unknown>>;
const sorted = (args: Args): unknown => Object.entries(args).toSorted(([a], [b]) => (a < b ? -1 : 1));

export function importKey(
  accounts: readonly Args[],
  { where, round }: Pick<ImportOptions, 'where' | 'round'>,
  attempt: number,
): string {
  const text = JSON.stringify([accounts.map(sorted), where, round, attempt]);
  return `account-import-${createHash('sha256').update(text).digest('hex').slice(0, 40)}`;
}

const exitOf = (run: RunDetail): number => exitForStates(Object.keys(run.counts));

const isAway = (error: unknown): boolean => error instanceof CliError && error.exitCode === EXIT.unreachable;

/** Asks until there is an answer; a controller that is away for long is the end of it. */
async function patiently<T>(ask: () => Promise<T>, { pause, signal }: ImportOptions): Promise<T> {
  for (let times = 1; ; times += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!isAway(error) || times === ASK_AGAIN_TIMES || signal.aborted) throw error;
      await pause(ASK_AGAIN_MS);
    }
  }
}

function requestOf(lines: readonly AccountLine[], options: ImportOptions, attempt: number): RunRequest {
  const accounts = lines.map(({ args }) => args);
  const [only] = accounts;
  const what =
    accounts.length === 1 && only !== undefined
      ? { action: 'account.create', args: only }
      : { action: 'account.create-many', args: { accounts } };
  return {
    ...what,
    ...options.where,
    mode: 'apply',
    // Waves would pause between the nodes of every run; the first run of a file is its canary.
    strategy: 'at-once',
    startWithinMs: START_WITHIN_MS,
    idempotencyKey: importKey(accounts, options, attempt),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  };
}

/** The run of these lines: the one that goes on or has succeeded, or a new one. */
async function startRun(
  api: ApiClient,
  lines: readonly AccountLine[],
  options: ImportOptions,
  since: number,
): Promise<RunDetail> {
  for (let attempt = 1; ; attempt += 1) {
    const request = requestOf(lines, options, attempt);
    const run = await patiently(() => api.post<RunDetail>('/api/runs', request), options);
    const exit = exitOf(run);
    const hasFailed = run.finishedAt !== null && run.createdAt < since && exit !== EXIT.ok;
    // What failed together was halved then: the halves have keys of their own.
    const wasHalved = lines.length > 1 && isWorthHalving({ exit });
    if (!hasFailed || wasHalved || attempt === ATTEMPTS) return run;
  }
}

type Ended = Pick<ImportedAccount, 'run' | 'exit' | 'isOld' | 'says'>;

/** What the controller does not take as it is may be the fault of one account. */
const REFUSED_HERE: readonly string[] = ['ACTION_ARGUMENTS', 'CONFLICT'];

async function runLines(
  api: ApiClient,
  lines: readonly AccountLine[],
  options: ImportOptions,
  since: number,
): Promise<Ended> {
  let run: RunDetail;
  try {
    run = await startRun(api, lines, options, since);
  } catch (error) {
    if (!(error instanceof CliError) || !REFUSED_HERE.includes(error.code)) throw error;
    return { run: null, exit: EXIT.refused, isOld: false, says: error.message };
  }
  const isOld = run.finishedAt !== null && run.createdAt < since;
  while (run.finishedAt === null && !options.signal.aborted)
    run = await patiently(() => api.get<RunDetail>(`/api/runs/${run.id}`, { waitMs: LOOK_MS }), options);
  const exit = run.finishedAt === null ? EXIT.detached : exitOf(run);
  const failed = run.targets.find(({ state }) => state !== 'succeeded' && state !== 'unchanged');
  const says = exit === EXIT.ok || failed === undefined ? '' : `${failed.hostName}: ${failed.state} ${failed.detail}`;
  return { run: run.id, exit, isOld, says };
}

/** Halves help against the fault of an account, not against a node that is away. */
const isWorthHalving = ({ exit }: Pick<Ended, 'exit'>): boolean => exit === EXIT.failed || exit === EXIT.refused;

async function importTogether(
  api: ApiClient,
  lines: readonly AccountLine[],
  options: ImportOptions,
  since: number,
): Promise<readonly ImportedAccount[]> {
  const ended = await runLines(api, lines, options, since);
  if (lines.length > 1 && isWorthHalving(ended) && !options.signal.aborted) {
    const half = Math.ceil(lines.length / 2);
    const first = await importTogether(api, lines.slice(0, half), options, since);
    return [...first, ...(await importTogether(api, lines.slice(half), options, since))];
  }
  return lines.map(({ line, args }) => ({
    line,
    name: String(args['name']),
    domain: String(args['domain']),
    ...ended,
  }));
}

/** All lines, several runs at a time; one that fails does not keep the others from going on. */
export async function importAccounts(
  api: ApiClient,
  lines: readonly AccountLine[],
  options: ImportOptions,
  since: number,
): Promise<readonly ImportedAccount[]> {
  const { together, atOnce, signal, onDone } = options;
  const waiting = Array.from({ length: Math.ceil(lines.length / together) }, (_, at) =>
    lines.slice(at * together, (at + 1) * together),
  );
  const done: ImportedAccount[] = [];
  const isHopeless = (): boolean => done.length >= GIVE_UP_AFTER && done.every(({ exit }) => exit !== EXIT.ok);
  const work = async (): Promise<void> => {
    for (let some = waiting.shift(); some !== undefined && !signal.aborted && !isHopeless(); some = waiting.shift()) {
      const imported = await importTogether(api, some, options, since);
      done.push(...imported);
      onDone(imported);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return done.toSorted((a, b) => a.line - b.line);
}
