import type { SessionPage } from '@hauban/shared/api';
import { parseCast } from '../../support/asciicast.ts';
import type { RestClient } from '../../support/first-account.ts';
import { openShell, type ShellViewer } from '../../support/shell-viewer.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { ShellReport } from './chaos-report.ts';

/**
 * Prints a line every 20 ms until a line is typed. Not until it is interrupted: at ^C the kernel throws away the output
 * that nobody has read yet, and Bash misses a ^C that comes just before its `sleep` is there.
 */
const COUNTER = 'stty -echo; n=0; while ! read -t 0.02; do echo "tick=$n;"; n=$((n+1)); done; exit\r';
const LINE = /tick=(\d+);/g;
const ENDED_WITHIN_MS = 40_000;

export async function startCounter(client: RestClient, nodeId: string): Promise<ShellViewer> {
  const shell = await openShell(client, nodeId);
  await waitFor('the shell takes input', () => shell.attached() > 0 && shell.type(COUNTER));
  await shell.waitForOutput(/tick=5;/);
  return shell;
}

/** What is wrong with the numbers 0, 1, 2, ... in a text. */
function faultsOf(what: string, text: string): { readonly count: number; readonly problems: string[] } {
  const numbers = [...text.matchAll(LINE)].map(([, digits]) => Number(digits));
  const at = numbers.findIndex((number, index) => number !== index);
  const around = text.indexOf(`tick=${numbers[at]};`);
  const problems =
    at === -1
      ? []
      : [
          `${what}: after ${numbers[at - 1] ?? 'the start'} comes ${numbers[at] ?? 'nothing'}, in ${JSON.stringify(text.slice(Math.max(0, around - 60), around + 60))}`,
        ];
  return { count: numbers.length, problems: numbers.length === 0 ? [`${what} has no counter`] : problems };
}

/** Ends the counter and its shell; then the recording must be whole and say the same as the screen. */
export async function endCounter(client: RestClient, shell: ShellViewer, round: number): Promise<ShellReport> {
  const problems: string[] = [];
  await waitFor(
    'the shell ends',
    () => {
      // Input that arrives while nobody is attached is dropped, so it is typed until it is seen to work.
      if (shell.exit() === null) shell.type('\r');
      return shell.exit() !== null;
    },
    { timeoutMs: ENDED_WITHIN_MS, intervalMs: 300 },
  ).catch((error: unknown) => void problems.push((error as Error).message));
  const session = await waitFor(
    'the recording is complete',
    async () => {
      const page = await client
        .call<SessionPage>('GET', '/api/recordings?limit=100')
        .catch((error: unknown) => void error);
      const found = page?.sessions.find(({ id }) => id === shell.sessionId);
      return found?.recording === 'complete' || found?.recording === 'broken' ? found : null;
    },
    { timeoutMs: ENDED_WITHIN_MS, intervalMs: 200 },
  ).catch((error: unknown) => void problems.push((error as Error).message));
  shell.leave();
  if (session?.recording === 'broken') problems.push('the recording is broken');
  problems.push(...shell.problems());
  const seen = faultsOf('the screen', shell.output());
  problems.push(...seen.problems);
  try {
    const cast = parseCast(await client.text(`/api/recordings/${shell.sessionId}/cast`));
    const recorded = faultsOf('the recording', cast.output);
    problems.push(...recorded.problems);
    if (cast.output !== shell.output())
      problems.push(`the screen saw ${shell.output().length} characters, recorded are ${cast.output.length}`);
  } catch (error) {
    problems.push(`the recording can not be played: ${(error as Error).message}`);
  }
  const ending = shell.exit()?.ending ?? 'not seen';
  process.stderr.write(
    `chaos: round ${round} shell: ${seen.count} lines, ended ${ending}${problems.map((text) => `\n  PROBLEM ${text}`).join('')}\n`,
  );
  return { round, sessionId: shell.sessionId, lines: seen.count, attached: shell.attached(), ending, problems };
}
