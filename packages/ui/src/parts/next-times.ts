import { parseCron } from '@hauban/shared/time';

/** The next times of a cron line, Unix ms, at most `count`; none for a line or a zone that cannot be read. */
export function nextTimes(cron: string, zone: string, afterMs: number, count: number): number[] {
  const parsed = parseCron(cron, zone);
  const times: number[] = [];
  if (!parsed.ok) return times;
  for (let at = parsed.cron.next(afterMs); at !== null && times.length < count; at = parsed.cron.next(at))
    times.push(at);
  return times;
}

/** One sentence about what is wrong with it; null: nothing. */
export function cronProblem(cron: string, zone: string): string | null {
  const parsed = parseCron(cron, zone);
  return parsed.ok ? null : parsed.problem;
}
