import { HaubanError } from '@hauban/shared/errors';
import { spawnProgram } from './run-program.ts';

const ERROR_TEXT_BYTES = 4096;
/** Longer than any line that a program writes for us; what a hostile one writes may not fill our memory. */
const LINE_LIMIT = 1024 * 1024;

/**
 * Each line that a program writes, however many they are; null for one of more than LINE_LIMIT characters.
 * PROGRAM_MISSING when it cannot be started, PROGRAM_FAILED when it does not end well or in its time.
 */
export async function eachLine(
  path: string,
  args: readonly string[],
  timeoutMs: number,
  each: (line: string | null) => void,
): Promise<void> {
  const child = spawnProgram(path, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(0, ERROR_TEXT_BYTES);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new HaubanError('PROGRAM_MISSING', `${path} could not be started`, { cause })),
    );
    child.once('close', resolve);
  });
  // Heard below, once the output has ended. Unheard until then it would end the process.
  ended.catch(() => undefined);
  try {
    await cutLines(child.stdout?.setEncoding('utf8') as AsyncIterable<string>, each);
    if ((await ended) !== 0)
      throw new HaubanError('PROGRAM_FAILED', `${path}: ${said.trim().slice(0, 500) || 'it was ended'}`);
  } finally {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  }
}

async function cutLines(output: AsyncIterable<string>, each: (line: string | null) => void): Promise<void> {
  let rest = '';
  let isTooLong = false;
  const end = (line: string): void => {
    each(isTooLong || line.length > LINE_LIMIT ? null : line);
    isTooLong = false;
  };
  for await (const chunk of output) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(end);
    if (rest.length <= LINE_LIMIT) continue;
    rest = '';
    isTooLong = true;
  }
  if (rest !== '' || isTooLong) end(rest);
}
