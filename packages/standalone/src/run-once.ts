import { execFile } from 'node:child_process';
import { HaubanError } from '@hauban/shared/errors';

/** Runs one of our own programs to its end and gives its standard output; its last line of complaint is the error. */
export async function runOnce(
  name: string,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  timeoutMs = 60_000,
): Promise<string> {
  return await new Promise((resolve, reject) => {
    execFile(
      program,
      [...args],
      { cwd: '/', env, timeout: timeoutMs, maxBuffer: 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else
          reject(
            new HaubanError('UNAVAILABLE', `${name} failed: ${stderr.trim().split('\n').at(-1) ?? 'it said nothing'}`, {
              cause: error,
            }),
          );
      },
    );
  });
}
