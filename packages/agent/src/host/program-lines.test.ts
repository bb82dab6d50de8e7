import { expect, it } from 'vitest';
import { eachLine } from './program-lines.ts';

const WITHIN_MS = 20_000;

async function linesOf(source: string, timeoutMs = WITHIN_MS): Promise<(string | null)[]> {
  const lines: (string | null)[] = [];
  await eachLine(process.execPath, ['-e', source], timeoutMs, (line) => void lines.push(line));
  return lines;
}

it('gives each line, the last without a line end too', async () => {
  expect(await linesOf("process.stdout.write('one\\n\\ntwo\\nthree')")).toEqual(['one', '', 'two', 'three']);
  expect(await linesOf('')).toEqual([]);
});

it('a line without end fills no memory: it is told as one that is too long, and those after it are whole', async () => {
  const source = "process.stdout.write('x'.repeat(5_000_000) + '\\nshort\\n' + 'y'.repeat(2_000_000))";
  expect(await linesOf(source)).toEqual([null, 'short', null]);
});

it('a program that is not there, fails, or does not end is an error with its own words', async () => {
  const none = eachLine('/no/such/program', [], WITHIN_MS, () => undefined);
  await expect(none).rejects.toMatchObject({ code: 'PROGRAM_MISSING' });
  const failed = linesOf("process.stderr.write('no space left'); process.exitCode = 3");
  await expect(failed).rejects.toMatchObject({
    code: 'PROGRAM_FAILED',
    detail: expect.stringContaining('no space left'),
  });
  await expect(linesOf('setInterval(() => undefined, 1000)', 300)).rejects.toMatchObject({ code: 'PROGRAM_FAILED' });
});
