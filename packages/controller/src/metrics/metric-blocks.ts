import { FAMILIES, type Family } from '@hauban/shared/metrics';

/** Bytes by family; a family that the node does not have, or that was not asked for, is left out. */
export type Blocks = Readonly<Partial<Record<Family, Uint8Array>>>;

export interface ChunkRecord {
  readonly nodeId: string;
  readonly boot: string;
  readonly seq: number;
  /** Version of its list of series. */
  readonly list: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly ticks: number;
  readonly receivedAt: number;
  /** Undefined: older than raw samples are kept, only the rollups are stored. */
  readonly blocks: Blocks | undefined;
  readonly rollups: Blocks;
}

/** A stretch of one list's samples or rollups. */
export interface StoredBlocks {
  readonly list: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly blocks: Blocks;
}

export const HOUR_MS = 3_600_000;
export const hourOf = (timeMs: number): number => Math.floor(timeMs / HOUR_MS) * HOUR_MS;

interface BlockRow {
  readonly list: string;
  readonly startMs: number;
  readonly endMs?: number;
}

/** Rows of the database, with a column for each family; a row without an end is an hour. */
export function toStoredBlocks(rows: readonly BlockRow[]): StoredBlocks[] {
  return rows.map((row) => {
    const columns = row as unknown as Readonly<Record<string, unknown>>;
    const blocks: Partial<Record<Family, Uint8Array>> = {};
    for (const family of FAMILIES) {
      const bytes = columns[family];
      if (bytes instanceof Uint8Array) blocks[family] = bytes;
    }
    return { list: row.list, startMs: row.startMs, endMs: row.endMs ?? row.startMs + HOUR_MS, blocks };
  });
}

/** All nine columns, null where there is none. */
export const columnsOf = (blocks: Blocks): Record<Family, Uint8Array | null> =>
  Object.fromEntries(FAMILIES.map((family) => [family, blocks[family] ?? null])) as Record<Family, Uint8Array | null>;

/** The columns of the wanted families. */
export const pickColumns = <C>(table: Readonly<Record<Family, C>>, families: readonly Family[]): Record<string, C> =>
  Object.fromEntries(families.map((family) => [family, table[family]]));
