#!/usr/bin/env node
/** Entry of the operator's command line: builds the program, turns failures into one sentence and an exit status. */
import { CommanderError } from 'commander';
import { CliError } from './cli-error.ts';
import { createContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { createProgram } from './program.ts';
import { createTerminal } from './terminal.ts';

const terminal = createTerminal();
const wantsJson = process.argv.includes('--json');

try {
  await createProgram(createContext(process.env, terminal)).parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode;
  else if (error instanceof CliError) {
    terminal.err(wantsJson ? JSON.stringify({ code: error.code, detail: error.message }) : `hauban: ${error.message}`);
    process.exitCode = error.exitCode;
  } else {
    terminal.err(`hauban: a fault of ours: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    process.exitCode = EXIT.failed;
  }
}
