import { CliError } from './cli-error.ts';
import type { Context } from './context.ts';
import { EXIT } from './exit-codes.ts';

/** Goes on after a yes only. @param instead what to do where nobody can be asked, as in "use --yes" */
export async function confirm(context: Context, question: string, instead: string): Promise<void> {
  if (!context.terminal.isInteractive)
    throw new CliError(EXIT.usage, 'BAD_REQUEST', `There is no terminal to confirm on: ${instead}.`);
  const answer = await context.terminal.ask(`${question} [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError(EXIT.failed, 'CANCELLED', 'Nothing was changed.');
}
