import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHANGE_AREAS, type ChangeArea } from '@hauban/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { watchAreas, type AreaPlaces, type OpenWatch } from './watch-areas.ts';

let root: string;
let open: OpenWatch | null;
let changed: ChangeArea[];
let replaced: number;
let failures: unknown[];
let wake: () => void = () => undefined;

const at = (name: string): string => join(root, name);
const place = (trees: readonly string[], files: readonly string[] = []): AreaPlaces => ({
  trees: trees.map(at),
  files: files.map(at),
});
const watchAll = async (areas: readonly ChangeArea[] = CHANGE_AREAS, mostFolders = 100): Promise<void> => {
  const none = place([]);
  const places = {
    ...{ apache: place(['etc/apache2']), hosting: place(['etc/hosting', 'etc/ssh/keys']), nginx: none, php: none },
    ...{ packages: place([], ['lib/status']), units: place(['etc/units']), users: place([], ['etc/passwd']) },
  };
  open = await watchAreas(
    areas,
    {
      changed: (area) => {
        changed.push(area);
        wake();
      },
      replaced: () => {
        replaced += 1;
        wake();
      },
      failed: (error) => void failures.push(error),
    },
    { places, mostFolders },
  );
};
const until = (holds: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    wake = () => {
      if (holds()) resolve();
    };
    wake();
  });
const told = (area: ChangeArea): Promise<void> => until(() => changed.includes(area));
/** Watches of this process. */
const inotifyWatches = (): number =>
  readdirSync('/proc/self/fdinfo')
    .map((descriptor) => {
      try {
        return readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8').match(/^inotify /gm)?.length ?? 0;
      } catch (error) {
        if (error instanceof Error && 'code' in error) return 0;
        throw error;
      }
    })
    .reduce((sum, one) => sum + one, 0);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hb-'));
  for (const folder of ['etc/apache2/sites', 'etc/hosting/php/alice', 'etc/ssh', 'lib', 'home/evil/deep'])
    mkdirSync(at(folder), { recursive: true });
  writeFileSync(at('etc/passwd'), 'x');
  writeFileSync(at('lib/status'), 'x');
  writeFileSync(at('etc/apache2/sites/a.conf'), 'x');
  [open, changed, replaced, failures] = [null, [], 0, []];
});
afterEach(async () => {
  await open?.close();
  rmSync(root, { recursive: true });
});

describe('a watch of areas', () => {
  it.each<[ChangeArea, string, () => void]>([
    ['apache', 'a site that is edited', () => writeFileSync(at('etc/apache2/sites/a.conf'), 'y')],
    ['apache', 'a mode that is changed', () => chmodSync(at('etc/apache2/sites/a.conf'), 0o600)],
    ['apache', 'a site that goes', () => rmSync(at('etc/apache2/sites/a.conf'))],
    ['hosting', 'a file of an account', () => writeFileSync(at('etc/hosting/php/alice/8.2.conf'), 'y')],
    ['hosting', 'a folder that was not there', () => mkdirSync(at('etc/ssh/keys'))],
    [
      'users',
      'a list of users that is renamed into its place',
      () => {
        writeFileSync(at('etc/passwd+'), 'y');
        renameSync(at('etc/passwd+'), at('etc/passwd'));
      },
    ],
    ['packages', 'the list of packages', () => writeFileSync(at('lib/status'), 'y')],
  ])('tells of %s for %s', async (area, _what, change) => {
    await watchAll();
    change();
    await told(area);
    expect(new Set(changed)).toEqual(new Set([area]));
    expect(failures).toEqual([]);
  });

  it('says no name, and nothing of files that are in no area', async () => {
    await watchAll();
    writeFileSync(at('etc/fstab'), 'y');
    writeFileSync(at('lib/available'), 'y');
    writeFileSync(at('etc/passwd'), 'y');
    await told('users');
    expect(new Set(changed)).toEqual(new Set(['users']));
  });

  it('watches what was asked for and no more, and nothing after its end', async () => {
    const before = inotifyWatches();
    await watchAll(['users']);
    expect(inotifyWatches() - before).toBe(1);
    writeFileSync(at('etc/apache2/sites/a.conf'), 'y');
    writeFileSync(at('etc/passwd'), 'y');
    await told('users');
    expect(changed).not.toContain('apache');
    await open?.close();
    // The kernel is told after the close.
    await expect.poll(inotifyWatches).toBe(before);
  });

  it('sees a folder that is replaced, and asks to be opened anew', async () => {
    await watchAll(['apache']);
    renameSync(at('etc/apache2'), at('etc/old'));
    mkdirSync(at('etc/apache2'));
    await until(() => replaced > 0);
    expect(changed).toContain('apache');
  });

  it('does not follow a folder that is a link, nor one that became one', async () => {
    rmSync(at('etc/apache2'), { recursive: true });
    symlinkSync(at('home/evil'), at('etc/apache2'));
    mkdirSync(at('etc/units'));
    symlinkSync(at('home/evil'), at('etc/units/linked'));
    const before = inotifyWatches();
    await watchAll(['apache', 'units']);
    // The folder above both, and the one that is no link.
    expect(inotifyWatches() - before).toBe(2);
    renameSync(at('etc/units'), at('etc/old'));
    symlinkSync(at('home/evil'), at('etc/units'));
    await until(() => replaced > 0);
    await open?.close();
    changed = [];
    await watchAll(['apache', 'units', 'users']);
    writeFileSync(at('home/evil/deep/file'), 'y');
    writeFileSync(at('home/evil/file'), 'y');
    writeFileSync(at('etc/passwd'), 'y');
    await told('users');
    expect(new Set(changed)).toEqual(new Set(['users']));
    expect(inotifyWatches() - before).toBe(1);
  });

  it('goes on with what there is room for, and says so once', async () => {
    for (let number = 0; number < 30; number += 1) mkdirSync(at(`etc/hosting/php/u${number}`));
    const before = inotifyWatches();
    await watchAll(['hosting'], 20);
    expect(failures.map(String)).toEqual(['RangeError: there are more than 20 folders']);
    // And the two above the area's folders.
    expect(inotifyWatches() - before).toBe(22);
    writeFileSync(at('etc/hosting/now'), 'y');
    await told('hosting');
  });
});
