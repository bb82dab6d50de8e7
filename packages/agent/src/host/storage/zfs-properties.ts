import { HaubanError } from '@hauban/shared/errors';
import type { ZfsProgram } from './zfs-program.ts';

export interface ZfsProperty {
  /** `-`: it has none. */
  readonly value: string;
  /** `local`, `default`, `inherited from tank`, `-`. */
  readonly source: string;
}

/** The answer of zfs-get(8) for one dataset: a line a property, tabs between its columns. */
export function parseProperties<N extends string>(text: string, names: readonly N[]): Readonly<Record<N, ZfsProperty>> {
  const lines = text.split('\n');
  const found = names.map((name, index): readonly [N, ZfsProperty] => {
    const [property, value = '', source = '', ...more] = lines[index]?.split('\t') ?? [];
    if (property !== name || value === '' || source === '' || more.length > 0)
      throw new HaubanError('PROGRAM_FAILED', 'zfs get: its answer was not understood, so nothing is done by it');
    return [name, { value, source }];
  });
  // Sound: each of the names is in it.
  return Object.fromEntries(found) as Record<N, ZfsProperty>;
}

/** Null: zfs does not know that dataset. */
export async function readProperties<N extends string>(
  zfs: ZfsProgram,
  dataset: string,
  names: readonly N[],
): Promise<Readonly<Record<N, ZfsProperty>> | null> {
  const columns = ['-H', '-p', '-o', 'property,value,source'];
  const result = await zfs.run('get', ...columns, '--', names.join(','), dataset);
  return result.status === 0 ? parseProperties(result.stdout, names) : null;
}
