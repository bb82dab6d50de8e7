import type { WindowRequest } from '@hauban/shared/api';
import { cronProblem } from '../../parts/next-times.ts';
import { selectorProblem } from '../../parts/selector-problem.ts';
import { isShortName } from '../../parts/short-name.ts';
import { texts } from '../../texts/index.ts';

/** A window as it is typed. */
export interface WindowValues {
  readonly name: string;
  readonly kind: WindowRequest['kind'];
  readonly on: string;
  readonly way: 'again' | 'once';
  readonly cron: string;
  readonly zone: string;
  readonly hours: string;
  /** As a field of day and time has it, on the reader's clock. */
  readonly from: string;
  readonly until: string;
}

export type WindowProblems = Readonly<Partial<Record<keyof WindowValues, string>>>;
export type ParsedWindow =
  | { readonly ok: true; readonly request: WindowRequest }
  | { readonly ok: false; readonly problems: WindowProblems };

const t = texts.windowForm;
const MINUTES_A_HOUR = 60;
const LEAST_MINUTES = 15;
const MOST_MINUTES = 10_080;

function timesOf(values: WindowValues): { readonly times: Partial<WindowRequest>; readonly problems: WindowProblems } {
  if (values.way === 'again') {
    const durationMinutes = Math.round(Number(values.hours.replace(',', '.')) * MINUTES_A_HOUR);
    const isLong = durationMinutes >= LEAST_MINUTES && durationMinutes <= MOST_MINUTES;
    const cron = cronProblem(values.cron, values.zone);
    return {
      times: { cron: values.cron.trim(), zone: values.zone.trim(), durationMinutes },
      problems: { ...(isLong ? {} : { hours: t.hoursBad }), ...(cron === null ? {} : { cron }) },
    };
  }
  const [from, until] = [Date.parse(values.from), Date.parse(values.until)];
  const problems = {
    ...(Number.isNaN(from) ? { from: t.timeBad } : {}),
    ...(Number.isNaN(until) ? { until: t.timeBad } : until <= from ? { until: t.untilBad } : {}),
  };
  return { times: { from, until }, problems };
}

export function parseWindow(values: WindowValues): ParsedWindow {
  const [name, on] = [values.name.trim(), values.on.trim()];
  const { times, problems } = timesOf(values);
  const selector = on === '' ? t.selectorNone : selectorProblem(on);
  const all: WindowProblems = {
    ...problems,
    ...(isShortName(name) ? {} : { name: texts.scheduleForm.nameBad }),
    ...(selector === null ? {} : { on: selector }),
  };
  if (Object.keys(all).length > 0) return { ok: false, problems: all };
  return { ok: true, request: { name, kind: values.kind, on, ...times } };
}
