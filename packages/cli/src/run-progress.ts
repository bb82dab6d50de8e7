import type { RunRow } from '@hauban/shared/api';
import { SingleBar } from 'cli-progress';
import { plainLine } from './plain-text.ts';
import { countsText, isOver } from './run-words.ts';
import type { Terminal } from './terminal.ts';

interface Progress {
  readonly show: (run: RunRow) => void;
  readonly stop: () => void;
}

const waveText = ({ rollout, wave }: RunRow): string => {
  if (rollout === null || rollout.waves.length < 2) return '';
  const name = rollout.hasCanary && wave === 0 ? 'canary' : `wave ${wave + 1}`;
  return `${name} of ${rollout.waves.length}`;
};

const saysOf = ({ says }: RunRow): string => (says === null ? '' : plainLine(says));
const line = (parts: readonly string[]): string => parts.filter((part) => part !== '').join(' · ');

const ended = ({ counts }: RunRow): number =>
  Object.entries(counts)
    .filter(([state]) => isOver(state))
    .reduce((sum, [, count]) => sum + count, 0);

const ordersOf = ({ counts, nodeCount, steps }: RunRow): number =>
  Math.max(
    nodeCount * Math.max(1, steps.length),
    Object.values(counts).reduce((sum, count) => sum + count, 0),
  );

/** A bar for people, a line at each change for files and pipes; both on standard error, so that output stays clean. */
export function createProgress(terminal: Terminal, start: RunRow): Progress {
  if (start.nodeCount < 2) return { show: () => undefined, stop: () => undefined };
  if (!terminal.isInteractive) {
    let said = '';
    return {
      show: (run) => {
        const says = line([waveText(run), countsText(run.counts), saysOf(run)]);
        if (says !== said) terminal.err(says);
        said = says;
      },
      stop: () => undefined,
    };
  }
  const bar = new SingleBar({
    format: '[{bar}] {value} of {total} · {says}',
    barCompleteChar: '#',
    barIncompleteChar: '-',
    stream: process.stderr,
    hideCursor: true,
    barsize: 24,
    // A long sentence of the controller may not break the line that is drawn over.
    linewrap: false,
  });
  bar.start(ordersOf(start), ended(start), { says: waveText(start) });
  return {
    show: (run) => {
      bar.setTotal(ordersOf(run));
      bar.update(ended(run), { says: line([waveText(run), countsText(run.counts), saysOf(run)]) });
    },
    stop: () => bar.stop(),
  };
}
