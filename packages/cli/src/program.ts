import { Command } from 'commander';
import { COMMANDS } from './commands/index.ts';
import type { Context } from './context.ts';
import { EXIT } from './exit-codes.ts';

/** The whole command line; a usage error exits with 2, help with 0. */
export function createProgram(context: Context): Command {
  const program = new Command('hauban')
    .description("The operator's command line of Hauban")
    .showHelpAfterError('(see: hauban help)')
    .configureOutput({
      writeOut: (text) => context.terminal.out(text.trimEnd()),
      writeErr: (text) => context.terminal.err(text.trimEnd()),
    })
    .exitOverride((error) => {
      throw Object.assign(error, { exitCode: error.exitCode === 0 ? EXIT.ok : EXIT.usage });
    });
  for (const add of COMMANDS) add(program, context);
  return program;
}
