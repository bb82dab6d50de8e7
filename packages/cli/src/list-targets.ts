import { MOST_LISTED_AT_ONCE, parseBanListLines } from '@hauban/shared/api';
import { CliError } from './cli-error.ts';
import { EXIT } from './exit-codes.ts';
import { loadText } from './load-text.ts';
import { plainLine } from './plain-text.ts';

const LIMIT_MIB = 8;
const SHOWN_PROBLEMS = 50;

const usage = (says: string): CliError => new CliError(EXIT.usage, 'BAD_REQUEST', says);

interface ListOptions {
  readonly from?: string;
  readonly plan?: boolean;
  readonly yes?: boolean;
}

/** What is to go onto a list or off it: from the command line, or line by line from a file. All of it is good, or none is taken. */
export async function listTargets(
  typed: readonly string[],
  { from, plan, yes }: ListOptions,
): Promise<readonly string[]> {
  if (from === undefined) {
    if (typed.length > 0) return typed;
    throw usage('Give addresses and prefixes, or a file of them with --from.');
  }
  if (typed.length > 0) throw usage('Give either addresses and prefixes or --from, not both.');
  if (from === '-' && plan !== true && yes !== true)
    throw usage(
      'Standard input can not hold the list and answer a question: use --yes, or look at it first with --plan.',
    );
  const name = from === '-' ? 'standard input' : plainLine(from);
  const { targets, problems } = parseBanListLines(await loadText(from, LIMIT_MIB));
  if (problems.length > 0) {
    const told = problems.slice(0, SHOWN_PROBLEMS).map(({ line, says }) => `  line ${line}: ${plainLine(says)}`);
    const more = problems.length > SHOWN_PROBLEMS ? [`  and ${problems.length - SHOWN_PROBLEMS} more bad lines`] : [];
    throw usage([`Nothing was sent: ${name} has lines that are not right.`, ...told, ...more].join('\n'));
  }
  if (targets.length === 0) throw usage(`Nothing was sent: there is no address in ${name}.`);
  if (targets.length > MOST_LISTED_AT_ONCE)
    throw usage(
      `Nothing was sent: ${name} has ${targets.length} addresses, and one change takes at most ${MOST_LISTED_AT_ONCE}.`,
    );
  return targets;
}
