import type { PoolRequest, PoolRow } from '@hauban/shared/api';
import { selectorProblem } from '../../parts/selector-problem.ts';
import { texts } from '../../texts/index.ts';

/** A pool as it is typed. */
export interface PoolValues {
  readonly name: string;
  readonly way: 'name' | 'selector';
  readonly nodes: readonly string[];
  readonly on: string;
  readonly repair: 'show' | 'auto';
  readonly budget: string;
  readonly minutes: string;
}

export type PoolProblems = Readonly<Partial<Record<'name' | 'nodes' | 'on' | 'budget' | 'minutes', string>>>;
type Parsed =
  | { readonly ok: true; readonly request: PoolRequest }
  | { readonly ok: false; readonly problems: PoolProblems };

const t = texts.poolForm;
/** As `PoolRequest` of the contract. */
const NAME = /^[a-z][a-z0-9-]{0,39}$/;
const MOST_BUDGET = 10_000;
const MOST_MINUTES = 1440;

const START: PoolValues = {
  name: '',
  way: 'selector',
  nodes: [],
  on: '',
  repair: 'show',
  budget: '20',
  minutes: '60',
};

/** @param pool null: a new one */
export function poolValues(pool: PoolRow | null): PoolValues {
  if (pool === null) return START;
  const { name, nodes, on, repair, budget, compareMinutes } = pool;
  const where = { way: on === null ? 'name' : 'selector', nodes: nodes ?? [], on: on ?? '' } as const;
  return { name, ...where, repair, budget: String(budget), minutes: String(compareMinutes) };
}

function wholeNumber(typed: string, min: number, max: number): number | null {
  const value = /^\d{1,6}$/.test(typed.trim()) ? Number(typed.trim()) : -1;
  return value >= min && value <= max ? value : null;
}

const onProblem = (on: string): string | null => (on.trim() === '' ? t.selectorNone : selectorProblem(on));

export function parsePool(values: PoolValues): Parsed {
  const problems: { -readonly [key in keyof PoolProblems]: string } = {};
  const name = values.name.trim();
  const budget = wholeNumber(values.budget, 0, MOST_BUDGET);
  const compareMinutes = wholeNumber(values.minutes, 1, MOST_MINUTES);
  const on = values.way === 'selector' ? onProblem(values.on) : null;
  if (!NAME.test(name)) problems.name = t.nameBad;
  if (on !== null) problems.on = on;
  if (values.way === 'name' && values.nodes.length === 0) problems.nodes = t.nodesNone;
  if (budget === null) problems.budget = t.budgetBad;
  if (compareMinutes === null) problems.minutes = t.minutesBad;
  if (budget === null || compareMinutes === null || Object.keys(problems).length > 0) return { ok: false, problems };
  const where = values.way === 'selector' ? { on: values.on.trim() } : { nodes: [...values.nodes] };
  return { ok: true, request: { name, ...where, repair: values.repair, budget, compareMinutes } };
}
