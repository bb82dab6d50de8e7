import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { HaubanError } from '@hauban/shared/errors';
import { backUp, restore } from '../compose-backup.ts';
import { afterRestore } from './after-restore.ts';
import { say } from './standard-output.ts';

function oneFile(positionals: readonly string[]): string {
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new HaubanError('BAD_REQUEST', 'Name one file.');
  return resolve(file);
}

export async function makeBackupFile(args: readonly string[]): Promise<void> {
  const { positionals } = parseArgs({ args: [...args], allowPositionals: true });
  say(await backUp(oneFile(positionals), process.env));
}

export async function restoreBackupFile(args: readonly string[]): Promise<void> {
  const options = { replace: { type: 'boolean' } } as const;
  const { positionals, values } = parseArgs({ args: [...args], allowPositionals: true, options });
  say(await restore(oneFile(positionals), values.replace ?? false, process.env));
  await afterRestore();
}
