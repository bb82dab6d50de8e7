import { createInterface } from 'node:readline';
import { HaubanError } from '@hauban/shared/errors';
import { spawnProgram } from '../run-program.ts';

const ERROR_TEXT_BYTES = 4096;

/** Each line that a program writes, however many they are; PROGRAM_FAILED when it does not end well. */
export async function eachLine(
  path: string,
  args: readonly string[],
  timeoutMs: number,
  each: (line: string) => void,
): Promise<void> {
  const child = spawnProgram(path, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(0, ERROR_TEXT_BYTES);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new HaubanError('PROGRAM_FAILED', `${path} could not be started`, { cause })),
    );
    child.once('close', resolve);
  });
  // Awaited below, after its output: it may reject before that.
  ended.catch(() => undefined);
  try {
    if (child.stdout !== null) for await (const line of createInterface({ input: child.stdout })) each(line);
    if ((await ended) !== 0)
      throw new HaubanError('PROGRAM_FAILED', `${path}: ${said.trim().slice(0, 500) || 'it was ended'}`);
  } finally {
    child.kill('SIGKILL');
  }
}
