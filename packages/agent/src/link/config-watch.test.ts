import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { watchConfigFiles, type ConfigWatch } from './config-watch.ts';

let root: string;
let watch: ConfigWatch;
let wake: () => void = () => undefined;
let calls: number;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'hb-'));
  mkdirSync(join(root, 'apache2/sites-available'), { recursive: true });
  mkdirSync(join(root, 'apache2/sites-enabled'));
  for (let i = 0; i < 200; i += 1) writeFileSync(join(root, 'apache2/sites-available', `${i}.conf`), 'x');
  writeFileSync(join(root, 'apache2/notes.txt'), 'x');
  calls = 0;
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const changed = (): void => {
    calls += 1;
    wake();
  };
  watch = await watchConfigFiles(changed, log, [join(root, 'apache2'), join(root, 'absent')]);
});
afterEach(async () => {
  await watch.close();
  rmSync(root, { recursive: true });
});

/** Watches of one descriptor of this process; 0 when it is none of inotify or closed meanwhile. */
function inotifyWatches(descriptor: string): number {
  try {
    const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8');
    return info.split('\n').filter((line) => line.startsWith('inotify ')).length;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return 0;
    throw error;
  }
}

const notice = (): Promise<void> =>
  new Promise((resolve) => {
    const before = calls;
    wake = () => {
      if (calls > before) resolve();
    };
  });

describe('watchConfigFiles', () => {
  it.each<[string, (at: (name: string) => string) => void]>([
    ['changed in place', (at) => writeFileSync(at('sites-available/7.conf'), 'y')],
    ['new', (at) => writeFileSync(at('sites-available/new.conf'), 'y')],
    ['removed', (at) => unlinkSync(at('sites-available/7.conf'))],
    [
      'replaced by a rename',
      (at) => {
        writeFileSync(at('sites-available/.7.tmp'), 'y');
        renameSync(at('sites-available/.7.tmp'), at('sites-available/7.conf'));
      },
    ],
    ['enabled by a link', (at) => symlinkSync('../sites-available/7.conf', at('sites-enabled/7.conf'))],
  ])('tells of a file that is %s', async (_name, change) => {
    const told = notice();
    change((name) => join(root, 'apache2', name));
    await told;
  });

  it('does not tell of other files', async () => {
    writeFileSync(join(root, 'apache2/notes.txt'), 'y');
    const told = notice();
    writeFileSync(join(root, 'apache2/ports.conf'), 'y');
    await told;
    const seen = calls;
    expect(seen).toBeGreaterThan(0);
    expect(seen).toBeLessThanOrEqual(3);
  });

  it('watches folders, not files: memory does not grow with the number of sites', () => {
    const watches = readdirSync('/proc/self/fdinfo').map((descriptor) => inotifyWatches(descriptor));
    const most = Math.max(...watches);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(20);
  });
});
