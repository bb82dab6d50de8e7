import { parseBanListLines, type BanListAddition } from '@hauban/shared/api';
import { linesProblem } from './entry-lines.ts';

/** A change of a list as it is typed. */
export interface ChangeValues {
  readonly lines: string;
  /** Seconds from now on as a text; '': until taken off. */
  readonly durationS: string;
  readonly reason: string;
  readonly isWhole: boolean;
}

export type ParsedChange =
  | { readonly ok: true; readonly request: BanListAddition }
  | { readonly ok: false; readonly problem: string };

export const REASONS = ['manual', 'bruteforce', 'scan', 'abuse', 'xmlrpc'] as const;
/** An hour, half a day, a day, a week, thirty days. */
export const DURATIONS_S = [3_600, 43_200, 86_400, 604_800, 2_592_000] as const;

export const START: ChangeValues = { lines: '', durationS: '', reason: 'manual', isWhole: false };

export function parseChange({ lines, durationS, reason, isWhole }: ChangeValues): ParsedChange {
  const read = parseBanListLines(lines);
  const problem = linesProblem(read);
  if (problem !== null) return { ok: false, problem };
  return {
    ok: true,
    request: {
      targets: [...read.targets],
      ...(durationS === '' ? {} : { durationS: Number(durationS) }),
      reason: REASONS.find((each) => each === reason) ?? 'manual',
      ...(isWhole ? { replace: true } : {}),
    },
  };
}
