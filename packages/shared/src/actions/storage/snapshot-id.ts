/**
 * Names of snapshots. A class of the schedule names the period and not the moment (UTC), so that an hour has one hourly
 * snapshot however often it is asked for, a plan holds no time of day, and names sort by age. No character of a name
 * means anything to a path, to btrfs or to ZFS.
 */
export const SNAPSHOT_CLASSES = ['hourly', 'daily', 'weekly', 'monthly'] as const;
export type SnapshotClass = (typeof SNAPSHOT_CLASSES)[number];

const PERIODS: Readonly<Record<SnapshotClass, string>> = {
  hourly: '[0-9]{4}-[0-9]{2}-[0-9]{2}t[0-9]{2}',
  daily: '[0-9]{4}-[0-9]{2}-[0-9]{2}',
  weekly: '[0-9]{4}-w[0-9]{2}',
  monthly: '[0-9]{4}-[0-9]{2}',
};
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?';

export const LABEL_PATTERN = `^${LABEL}$`;
export const SNAPSHOT_PATTERN = `^(?:${SNAPSHOT_CLASSES.map((name) => `${name}-${PERIODS[name]}`).join('|')}|manual-${LABEL})$`;

const WEEK_MS = 7 * 86_400_000;

/** ISO 8601: a week belongs to the year that its Thursday is in. */
function weekOf(nowMs: number): string {
  const day = new Date(nowMs);
  const thursday = Date.UTC(
    day.getUTCFullYear(),
    day.getUTCMonth(),
    day.getUTCDate() + 4 - (day.getUTCDay() === 0 ? 7 : day.getUTCDay()),
  );
  const year = new Date(thursday).getUTCFullYear();
  const week = Math.floor((thursday - Date.UTC(year, 0, 1)) / WEEK_MS) + 1;
  return `${year}-w${String(week).padStart(2, '0')}`;
}

/** The name of the class's snapshot at that moment (Unix ms). */
export function snapshotOfPeriod(name: SnapshotClass, nowMs: number): string {
  const iso = new Date(nowMs).toISOString();
  const period = {
    hourly: `${iso.slice(0, 10)}t${iso.slice(11, 13)}`,
    daily: iso.slice(0, 10),
    weekly: weekOf(nowMs),
    monthly: iso.slice(0, 7),
  }[name];
  return `${name}-${period}`;
}

/** What it is called when it is taken at that moment: a manual one has a label instead of a period. */
export function snapshotName(name: string, label: string, nowMs: number): string {
  const period = SNAPSHOT_CLASSES.find((entry) => entry === name);
  return period === undefined ? `manual-${label}` : snapshotOfPeriod(period, nowMs);
}

export const isSnapshotId = (text: string): boolean => new RegExp(SNAPSHOT_PATTERN).test(text);

/** `manual` for those that no schedule makes or takes away. */
export const classOf = (id: string): SnapshotClass | 'manual' =>
  SNAPSHOT_CLASSES.find((name) => id.startsWith(`${name}-`)) ?? 'manual';

export type Keep = { readonly [C in SnapshotClass]?: number };

/** Beyond so many of the newest of each class. Names sort by age; a clock that jumped can not make one older than it is. */
export function beyondKeep(names: readonly string[], keep: Keep): readonly string[] {
  return SNAPSHOT_CLASSES.flatMap((name) => {
    const most = keep[name];
    if (most === undefined) return [];
    return names
      .filter((snapshot) => classOf(snapshot) === name)
      .toSorted()
      .slice(0, -most);
  });
}
