#!/usr/bin/env node
/**
 * The controller's programs, by subcommand. Configuration is the environment only (config.ts). Standard output is for
 * other programs: one JSON line when ready, or what was asked for; everything else goes to standard error.
 *
 * Exit codes: 0 done, 1 a fault of ours, 2 wrong usage or configuration, 3 the port or folder is in use, 4 the
 * database or the signer does not answer.
 */
import { HaubanError, type ErrorCode } from '@hauban/shared/errors';
import { COMMANDS, USAGE } from './commands/index.ts';

const EXIT: Partial<Record<ErrorCode, number>> = {
  BAD_REQUEST: 2,
  CONFIG_BAD: 2,
  PORT_IN_USE: 3,
  DATA_IN_USE: 3,
  DATABASE: 4,
  UNAVAILABLE: 4,
};

/** parseArgs refuses unknown options by errors with such codes. */
const isUsageError = (error: unknown): error is Error =>
  error instanceof TypeError && String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS');

async function main([name = '', ...args]: readonly string[]): Promise<number> {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  try {
    await command(args);
    return 0;
  } catch (error) {
    if (isUsageError(error)) {
      process.stderr.write(`${error.message}\n`);
      return 2;
    }
    const known = error instanceof HaubanError ? error : null;
    process.stderr.write(
      `${known?.detail ?? (error instanceof Error ? (error.stack ?? error.message) : String(error))}\n`,
    );
    return known === null ? 1 : (EXIT[known.code] ?? 1);
  }
}

process.exitCode = await main(process.argv.slice(2));
// Nothing is left to do; a handle that somebody forgot must not keep the process.
process.exit();
