import { randomUUID } from 'node:crypto';
import { MOST_CREATED } from '@hauban/shared/actions';
import { SingleBar } from 'cli-progress';
import type { Command } from 'commander';
import { parseAccountFile, type AccountLine } from '../account-csv.ts';
import { chooseNodes } from '../choose-nodes.ts';
import { CliError } from '../cli-error.ts';
import { confirm } from '../confirm.ts';
import { print, type Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { importAccounts, type ImportOptions } from '../import-accounts.ts';
import { importSummary } from '../import-summary.ts';
import { loadText } from '../load-text.ts';

interface ImportCommand {
  readonly on: string;
  readonly atOnce: string;
  readonly together: string;
  readonly again?: boolean;
  readonly check?: boolean;
  readonly yes?: boolean;
  readonly why?: string;
  readonly json?: boolean;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const LIMIT_MIB = 8;
const SHOWN_PROBLEMS = 50;

async function loadLines(path: string): Promise<readonly AccountLine[]> {
  const parsed = parseAccountFile(await loadText(path, LIMIT_MIB));
  if (parsed.ok) return parsed.accounts;
  const { problems } = parsed;
  const more = problems.length > SHOWN_PROBLEMS ? [`and ${problems.length - SHOWN_PROBLEMS} more`] : [];
  const list = [...problems.slice(0, SHOWN_PROBLEMS), ...more].map((problem) => `  ${problem}`).join('\n');
  throw new CliError(EXIT.usage, 'BAD_REQUEST', `${path} is not imported, nothing was sent:\n${list}`);
}

function parseNumber(text: string, option: string, most: number): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > most)
    throw new CliError(EXIT.usage, 'BAD_REQUEST', `${option} takes a number from 1 to ${most}.`);
  return number;
}

/** A bar for people, a line for each order for files and pipes; both on standard error. */
function createImportProgress({ terminal }: Context, total: number) {
  let [done, failed] = [0, 0];
  const bar = terminal.isInteractive
    ? new SingleBar({
        format: '{bar} {value}/{total} accounts, {failed} failed, {eta_formatted} left',
        stream: process.stderr,
        hideCursor: true,
      })
    : null;
  bar?.start(total, 0, { failed });
  const onDone: ImportOptions['onDone'] = (some) => {
    done += some.length;
    failed += some.filter(({ exit }) => exit !== EXIT.ok).length;
    bar?.update(done, { failed });
    if (bar === null) terminal.err(`${done} of ${total} accounts, ${failed} failed`);
  };
  return { onDone, stop: () => bar?.stop() };
}

async function run(context: Context, path: string, options: ImportCommand): Promise<void> {
  const lines = await loadLines(path);
  const atOnce = parseNumber(options.atOnce, '--at-once', 64);
  const together = parseNumber(options.together, '--together', MOST_CREATED);
  const api = context.api();
  const chosen = await chooseNodes(api, options.on, ['account.create', 'account.create-many']);
  const what = `${lines.length} accounts on ${chosen.count === 1 ? 'one node' : `${chosen.count} nodes`}`;
  if (options.check === true) return context.terminal.out(`${path} is in order: ${what}.`);
  if (options.yes !== true) await confirm(context, `Create ${what}?`, 'use --yes, or --check');
  const left = new AbortController();
  const forget = context.terminal.onInterrupt(() => left.abort());
  const progress = createImportProgress(context, lines.length);
  try {
    const round = options.again === true ? randomUUID() : '';
    const how = { where: chosen.where, atOnce, together, round, reason: options.why, signal: left.signal, pause };
    const done = await importAccounts(api, lines, { ...how, onDone: progress.onDone }, Date.now());
    progress.stop();
    print(context, options.json === true, done, () => importSummary(done, lines.length));
    process.exitCode = left.signal.aborted ? EXIT.detached : Math.max(EXIT.ok, ...done.map(({ exit }) => exit));
  } finally {
    progress.stop();
    forget();
  }
}

export function addAccount(program: Command, context: Context): void {
  program
    .command('account')
    .description('Hosting accounts')
    .command('import')
    .description('Create the accounts of a CSV file; the same file again goes on where it was cut off')
    .argument('<file>', 'CSV with the columns name, domain, phpVersion, and uid and comment if you like')
    .requiredOption('--on <nodes>', "host names, or a selector such as 'role=web'")
    .option('--together <number>', 'so many accounts an order: all of them are made, or none', '20')
    .option('--at-once <number>', 'so many orders at a time', '2')
    .option('--again', 'look at accounts anew that an earlier import has made')
    .option('--check', 'only look at the file and the nodes')
    .option('--yes', 'do not ask')
    .option('--why <text>', 'for the audit log')
    .option('--json', 'for programs')
    .action((path: string, options: ImportCommand) => run(context, path, options));
}
