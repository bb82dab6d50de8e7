import { decodeRollups, encodeRollups, FAMILIES, joinRollups, type Family, type Rollup } from '@hauban/shared/metrics';
import type { Blocks, StoredBlocks } from './metric-blocks.ts';

/** Joins the rollups of one node and hour, list by list: what has another list has other series. */
export function joinHour(rows: readonly StoredBlocks[]): ReadonlyMap<string, Blocks> {
  const byList = new Map<string, StoredBlocks[]>();
  for (const row of rows) byList.set(row.list, [...(byList.get(row.list) ?? []), row]);
  return new Map([...byList].map(([list, ofList]) => [list, joinBlocks(ofList)]));
}

function joinBlocks(rows: readonly StoredBlocks[]): Blocks {
  const joined: Partial<Record<Family, Uint8Array>> = {};
  for (const family of FAMILIES) {
    const parts: (readonly Rollup[])[] = [];
    for (const row of rows) {
      const bytes = row.blocks[family];
      const decoded = bytes === undefined ? undefined : decodeRollups(bytes);
      if (decoded?.ok === true) parts.push(decoded.value.rollups);
    }
    const [first] = parts;
    if (first === undefined) continue;
    joined[family] = encodeRollups(
      family,
      first.map((_, series) => joinRollups(parts.flatMap((part) => part[series] ?? []))),
    );
  }
  return joined;
}
