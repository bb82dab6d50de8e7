import { readFile } from 'node:fs/promises';
import { writeDurably } from './durable-file.ts';

/** What a spool must remember beyond its chunks. */
export interface SpoolState {
  /** The boot that `lastSeq` belongs to. */
  readonly boot: string;
  /** Highest sequence that a sealed chunk of this boot has used. */
  readonly lastSeq: number;
  /** Chunks thrown away unsent, ever. */
  readonly dropped: number;
}

/** Reads the file; undefined when there is none or it is damaged (the caller then takes safe numbers). */
export async function loadSpoolState(path: string): Promise<SpoolState | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const { boot, lastSeq, dropped } = value as Record<string, unknown>;
    if (typeof boot !== 'string' || !isCount(lastSeq) || !isCount(dropped)) return undefined;
    return { boot, lastSeq, dropped };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

export const saveSpoolState = (path: string, state: SpoolState): Promise<void> =>
  writeDurably(path, `${JSON.stringify(state)}\n`);
