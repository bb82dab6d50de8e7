import type { RunRequest, Share } from '@hauban/shared/api';
import { texts } from '../../texts/index.ts';

/** How a run goes over many nodes, as it is typed. */
export interface StrategyValues {
  /** `safe`: what the controller thinks best, a canary and growing waves. */
  readonly kind: 'safe' | 'own' | 'at-once';
  readonly canary: string;
  readonly waves: string;
  readonly maxInFlight: string;
  readonly pauseSeconds: string;
  readonly stopAfter: string;
  readonly healthGate: boolean;
  readonly onFailure: 'stop' | 'undo';
}

/** The controller's own, so that changing one of them changes only that. */
export const SAFE_STRATEGY: StrategyValues = {
  kind: 'safe',
  canary: '1',
  waves: '10%, 25%, 50%, 100%',
  maxInFlight: '500',
  pauseSeconds: '10',
  stopAfter: '5%',
  healthGate: true,
  onFailure: 'stop',
};

type Problems = Readonly<Partial<Record<keyof StrategyValues, string>>>;
export type ParsedStrategy =
  | { readonly ok: true; readonly strategy: RunRequest['strategy'] }
  | { readonly ok: false; readonly problems: Problems };

const MOST_WAVES = 20;

function parseShare(text: string): Share | null {
  if (/^(?:100|[1-9]\d?)%$/.test(text)) return text;
  return /^[1-9]\d{0,3}$/.test(text) ? Number(text) : null;
}

const parseCount = (text: string, min: number, max: number): number | null => {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : null;
};

/** Undefined strategy: left to the controller. */
export function parseStrategyValues(values: StrategyValues): ParsedStrategy {
  if (values.kind !== 'own') return { ok: true, strategy: values.kind === 'safe' ? undefined : 'at-once' };
  const canary = parseCount(values.canary.trim(), 0, 1000);
  const maxInFlight = parseCount(values.maxInFlight.trim(), 1, 5000);
  const pauseSeconds = parseCount(values.pauseSeconds.trim(), 0, 86_400);
  const stopAfter = parseShare(values.stopAfter.trim());
  const shares = values.waves.split(',').map((wave) => parseShare(wave.trim()));
  const waves = shares.filter((share) => share !== null);
  const areWaves = waves.length === shares.length && waves.length <= MOST_WAVES;
  if (canary !== null && maxInFlight !== null && pauseSeconds !== null && stopAfter !== null && areWaves) {
    const { healthGate, onFailure } = values;
    return { ok: true, strategy: { canary, waves, maxInFlight, pauseSeconds, stopAfter, healthGate, onFailure } };
  }
  return {
    ok: false,
    problems: {
      ...(canary === null ? { canary: texts.strategy.notCount(0, 1000) } : {}),
      ...(maxInFlight === null ? { maxInFlight: texts.strategy.notCount(1, 5000) } : {}),
      ...(pauseSeconds === null ? { pauseSeconds: texts.strategy.notCount(0, 86_400) } : {}),
      ...(stopAfter === null ? { stopAfter: texts.strategy.notShare } : {}),
      ...(areWaves ? {} : { waves: texts.strategy.notShares }),
    },
  };
}
