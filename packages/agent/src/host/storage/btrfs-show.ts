export interface Subvolume {
  readonly uuid: string;
  /** What it is a snapshot of; null: it is none. */
  readonly parentUuid: string | null;
  /** Unix ms. */
  readonly createdAtMs: number;
  readonly readOnly: boolean;
}

/** Output of `btrfs subvolume show PATH` (btrfs-progs 6.2): a line with the path, then `Name: value` lines. */
export function parseSubvolume(text: string): Subvolume | null {
  const field = (name: string): string => new RegExp(`^\\s+${name}:\\s+(.+?)\\s*$`, 'm').exec(text)?.[1] ?? '';
  const [, day, time, hours, minutes] =
    /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}) ([+-]\d{2})(\d{2})$/.exec(field('Creation time')) ?? [];
  const uuid = field('UUID');
  if (day === undefined || !/^[0-9a-f-]{36}$/.test(uuid)) return null;
  const parent = field('Parent UUID');
  return {
    uuid,
    parentUuid: /^[0-9a-f-]{36}$/.test(parent) ? parent : null,
    createdAtMs: Date.parse(`${day}T${time}${hours}:${minutes}`),
    readOnly: field('Flags')
      .split(/[\s,]+/)
      .includes('readonly'),
  };
}
