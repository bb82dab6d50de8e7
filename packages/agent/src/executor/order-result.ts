import { describeChange, type Change, type Verified } from '@hauban/shared/actions';
import type { ErrorCode } from '@hauban/shared/errors';
import type { Outcome } from '@hauban/shared/protocol';
import type { FinalOutput } from './order-output.ts';

/** A plan as the receipt carries it and people see it. */
export interface ShownPlan {
  readonly hash: string;
  readonly changes: readonly {
    readonly kind: string;
    readonly title: string;
    readonly before: string | null;
    readonly after: string | null;
  }[];
  readonly notes: readonly string[];
}

/** How an order ended, before it is signed. */
export interface OrderResult {
  readonly outcome: Outcome;
  readonly code: ErrorCode | null;
  readonly detail: string;
  readonly plan: ShownPlan | null;
  readonly verification: readonly Verified[];
  readonly data: unknown;
}

export const resultOf = (
  outcome: Outcome,
  code: ErrorCode | null,
  detail: string,
  more: Partial<OrderResult> = {},
): OrderResult => ({
  outcome,
  code,
  detail,
  plan: null,
  verification: [],
  data: null,
  ...more,
});

/** The result with what was printed in its data, beside what the action says there. */
export function withOutput(result: OrderResult, output: FinalOutput | null): OrderResult {
  if (output === null) return result;
  const { data } = result;
  const isTable = typeof data === 'object' && data !== null && !Array.isArray(data);
  return { ...result, data: isTable ? { ...data, output } : data === null ? { output } : { value: data, output } };
}

/** A receipt has to fit a message of the link: texts of changes share this many characters. */
const PLAN_CHARACTERS = 120_000;
const CUT = '\n[cut here: the whole text is longer]';

const cut = (text: string | null, most: number): string | null =>
  text === null || text.length <= most ? text : `${text.slice(0, Math.max(0, most - CUT.length))}${CUT}`;

/** @param hash of the changes themselves, so of what is cut here too */
export function showPlan(hash: string, changes: readonly Change[], notes: readonly string[]): ShownPlan {
  const most = Math.max(200, Math.floor(PLAN_CHARACTERS / (2 * Math.max(1, changes.length))));
  const shown = changes.slice(0, 250).map((change) => {
    const { kind, title, before, after } = describeChange(change);
    return { kind, title: title.slice(0, 300), before: cut(before, most), after: cut(after, most) };
  });
  return { hash, changes: shown, notes: notes.slice(0, 50).map((note) => note.slice(0, 500)) };
}
