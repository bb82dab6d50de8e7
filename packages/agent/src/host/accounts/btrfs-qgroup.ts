export interface Qgroup {
  /** Such as `0/257`. */
  readonly id: string;
  readonly usedBytes: number;
  readonly limitBytes: number | null;
}

/**
 * The one line of `btrfs qgroup show --raw -r -f PATH` (btrfs-progs 6.2): id, referenced bytes, exclusive bytes, most
 * referenced bytes or `none`; later versions add the path. Null when there is no such line.
 */
export function parseQgroup(text: string): Qgroup | null {
  const line = /^\s*(0\/\d+)\s+(\d+)\s+\d+\s+(\d+|none)(?:\s|$)/m.exec(text);
  if (line === null) return null;
  const [, id = '', used, limit] = line;
  return { id, usedBytes: Number(used), limitBytes: limit === 'none' ? null : Number(limit) };
}
