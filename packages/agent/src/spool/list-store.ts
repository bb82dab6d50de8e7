import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSeriesList, seriesListToJson, type SeriesList } from '@hauban/shared/metrics';
import { isMissing, unlinkIfThere, writeDurably } from './durable-file.ts';

/** The lists of series that chunks and journals refer to, one file each. */
export interface ListStore {
  keep(list: SeriesList): Promise<void>;
  /** Undefined when it is not there or damaged. */
  read(version: string): Promise<SeriesList | undefined>;
  /** Deletes every list that is not among the used ones. */
  forgetAllBut(used: ReadonlySet<string>): Promise<void>;
}

const NAME = /^([0-9a-f]{16})\.json$/;

export function createListStore(folder: string): ListStore {
  return {
    keep: (list) => writeDurably(join(folder, `${list.version}.json`), JSON.stringify(seriesListToJson(list))),
    read: async (version) => {
      if (!NAME.test(`${version}.json`)) return undefined;
      try {
        const parsed = parseSeriesList(JSON.parse(await readFile(join(folder, `${version}.json`), 'utf8')));
        return parsed.ok && parsed.value.version === version ? parsed.value : undefined;
      } catch (error) {
        if (isMissing(error) || error instanceof SyntaxError) return undefined;
        throw error;
      }
    },
    forgetAllBut: async (used) => {
      for (const name of await readdir(folder)) {
        const version = NAME.exec(name)?.[1];
        if (version === undefined || !used.has(version)) await unlinkIfThere(join(folder, name));
      }
    },
  };
}
