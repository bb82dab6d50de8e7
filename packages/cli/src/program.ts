import { Command } from 'commander';
import { addAudit } from './commands/audit.ts';
import { addCompletion } from './commands/completion.ts';
import { addLogin } from './commands/login.ts';
import { addNodes } from './commands/nodes.ts';
import { addRecordings } from './commands/recordings.ts';
import { addRun } from './commands/run.ts';
import { addShell } from './commands/shell.ts';
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
  addLogin(program, context);
  addNodes(program, context);
  addRun(program, context);
  addShell(program, context);
  addRecordings(program, context);
  addAudit(program, context);
  addCompletion(program, context);
  return program;
}
