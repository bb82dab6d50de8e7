import { readFile, stat } from 'node:fs/promises';
import { SingleBar } from 'cli-progress';
import type { Command } from 'commander';
import { parseAccountFile, type AccountLine } from '../account-csv.ts';
import { chooseNodes } from '../choose-nodes.ts';
import { CliError } from '../cli-error.ts';
import { confirm } from '../confirm.ts';
import { print, type Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { importAccounts, type ImportedAccount } from '../import-accounts.ts';
import { renderTable } from '../terminal.ts';

interface ImportCommand {
  readonly on: string;
  readonly atOnce: string;
  readonly check?: boolean;
  readonly yes?: boolean;
  readonly why?: string;
  readonly json?: boolean;
}

const SIZE_LIMIT_BYTES = 8 * 1024 * 1024;
const SHOWN_PROBLEMS = 50;

async function loadLines(path: string): Promise<readonly AccountLine[]> {
  const tooLong = new CliError(EXIT.usage, 'BAD_REQUEST', `${path} has more than 8 MiB: import it in parts.`);
  let text: string;
  try {
    if ((await stat(path)).size > SIZE_LIMIT_BYTES) throw tooLong;
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(EXIT.usage, 'BAD_REQUEST', `${path} can not be read.`, { cause: error });
  }
  const parsed = parseAccountFile(text);
  if (parsed.ok) return parsed.accounts;
  const { problems } = parsed;
  const more = problems.length > SHOWN_PROBLEMS ? [`and ${problems.length - SHOWN_PROBLEMS} more`] : [];
  const list = [...problems.slice(0, SHOWN_PROBLEMS), ...more].map((problem) => `  ${problem}`).join('\n');
  throw new CliError(EXIT.usage, 'BAD_REQUEST', `${path} is not imported, nothing was sent:\n${list}`);
}

function parseAtOnce(text: string): number {
  const atOnce = Number(text);
  if (!Number.isInteger(atOnce) || atOnce < 1 || atOnce > 64)
    throw new CliError(EXIT.usage, 'BAD_REQUEST', '--at-once takes a number from 1 to 64.');
  return atOnce;
}

function outcome(done: readonly ImportedAccount[], total: number): string {
  const failed = done.filter(({ exit }) => exit !== EXIT.ok);
  const table = renderTable(
    ['LINE', 'ACCOUNT', 'WHY'],
    failed.map(({ line, name, says }) => [String(line), name, says]),
  );
  const counts = `${done.length - failed.length} of ${total} accounts are there.`;
  return failed.length === 0 ? counts : `${table}\n\n${counts} The same command again goes on with the others.`;
}

async function run(context: Context, path: string, options: ImportCommand): Promise<void> {
  const lines = await loadLines(path);
  const atOnce = parseAtOnce(options.atOnce);
  const api = context.api();
  const chosen = await chooseNodes(api, options.on, ['account.create']);
  const what = `${lines.length} accounts on ${chosen.count === 1 ? 'one node' : `${chosen.count} nodes`}`;
  if (options.check === true) return context.terminal.out(`${path} is in order: ${what}.`);
  if (options.yes !== true) await confirm(context, `Create ${what}?`, 'use --yes, or --check');
  const left = new AbortController();
  const forget = context.terminal.onInterrupt(() => left.abort());
  const bar = context.terminal.isInteractive
    ? new SingleBar({ format: '{bar} {value}/{total} accounts, {eta_formatted} left', stream: process.stderr })
    : null;
  bar?.start(lines.length, 0);
  try {
    const where = { where: chosen.where, atOnce, reason: options.why, signal: left.signal };
    const done = await importAccounts(api, lines, { ...where, onDone: () => bar?.increment() }, Date.now());
    bar?.stop();
    print(context, options.json === true, done, () => outcome(done, lines.length));
    process.exitCode = left.signal.aborted ? EXIT.detached : Math.max(EXIT.ok, ...done.map(({ exit }) => exit));
  } finally {
    bar?.stop();
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
    .option('--at-once <number>', 'so many accounts at a time', '8')
    .option('--check', 'only look at the file and the nodes')
    .option('--yes', 'do not ask')
    .option('--why <text>', 'for the audit log')
    .option('--json', 'for programs')
    .action((path: string, options: ImportCommand) => run(context, path, options));
}
