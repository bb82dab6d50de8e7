import type { Share, Strategy } from '@hauban/shared/api';
import { parseDurationS } from '@hauban/shared/time';
import type { Command } from 'commander';
import { CliError } from './cli-error.ts';
import { EXIT } from './exit-codes.ts';

/** How a run goes over many nodes, as it is typed. What is left out is safe: see `Strategy` of the API. */
export interface StrategyOptions {
  readonly canary?: string;
  readonly waves?: string;
  readonly concurrency?: string;
  readonly pause?: string;
  readonly maxFailures?: string;
  readonly maxCanaryFailures?: string;
  readonly onFailure?: string;
  /** False by `--no-health-check`. */
  readonly healthCheck?: boolean;
  readonly atOnce?: boolean;
}

const usage = (detail: string): CliError => new CliError(EXIT.usage, 'BAD_REQUEST', detail);

function parseCount(option: string, text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw usage(`${option} takes a whole number, not "${text}".`);
  return Number(text);
}

function parseShare(option: string, text: string): Share {
  if (/^(?:100|[1-9]\d?)%$/.test(text)) return text;
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw usage(`${option} takes a number of nodes or a share of them, such as 5 or 10%, not "${text}".`);
}

/** `90`, `90s`, `15m`, `12h`, `7d` in milliseconds; a bare number is seconds. */
export function parseDuration(option: string, text: string): number {
  const seconds = parseDurationS(text);
  if (seconds === null) throw usage(`${option} takes a time such as 90s, 15m, 12h or 7d, not "${text}".`);
  return seconds * 1000;
}

/** Undefined: nothing was said, the controller's safe waves. */
export function parseStrategy(options: StrategyOptions): Strategy | 'at-once' | undefined {
  const { canary, waves, concurrency, pause, maxFailures, maxCanaryFailures, onFailure } = options;
  const strategy: Strategy = {
    ...(canary === undefined ? {} : { canary: parseCount('--canary', canary) }),
    ...(waves === undefined ? {} : { waves: waves.split(',').map((wave) => parseShare('--waves', wave.trim())) }),
    ...(concurrency === undefined ? {} : { maxInFlight: parseCount('--concurrency', concurrency) }),
    ...(pause === undefined ? {} : { pauseSeconds: Math.round(parseDuration('--pause', pause) / 1000) }),
    ...(maxFailures === undefined ? {} : { stopAfter: parseShare('--max-failures', maxFailures) }),
    ...(maxCanaryFailures === undefined
      ? {}
      : { stopAfterInCanary: parseShare('--max-canary-failures', maxCanaryFailures) }),
    ...(options.healthCheck === false ? { healthGate: false } : {}),
  };
  if (onFailure !== undefined) {
    if (onFailure !== 'stop' && onFailure !== 'undo')
      throw usage(`--on-failure takes stop or undo, not "${onFailure}".`);
    strategy.onFailure = onFailure;
  }
  const isSaid = Object.keys(strategy).length > 0;
  if (options.atOnce !== true) return isSaid ? strategy : undefined;
  if (isSaid) throw usage('--at-once means no waves: leave the other options of the strategy out.');
  return 'at-once';
}

export function addStrategyOptions(command: Command): Command {
  return command
    .option('--canary <n>', 'nodes that go first (default 1; 0: none)')
    .option('--waves <shares>', 'size of each wave, e.g. 10%,25%,100% or 5; the last one is repeated')
    .option('--concurrency <n>', 'nodes that work at the same time (default 500)')
    .option('--pause <time>', 'between two waves (default 10s)')
    .option('--max-failures <share>', 'stop when so many nodes failed, e.g. 5 or 5% (default 5%)')
    .option('--max-canary-failures <share>', 'the same in the canary (default 1)')
    .option('--on-failure <what>', 'when that is reached: stop (default), or undo what succeeded, too')
    .option('--no-health-check', 'do not look at the nodes of a wave before the next one')
    .option('--at-once', 'no waves: every node now');
}
