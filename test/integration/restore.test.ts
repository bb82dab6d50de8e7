import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../arch/source-tree.ts';
import { freePort, launchStandalone, type StandaloneStack } from '../support/standalone-stack.ts';
import { waitFor } from '../support/wait-for.ts';

/** The steps of docs/restore.md on the whole product: what makes the controller is wiped and put back, the node goes on. */
let folder: string;
let dataDir: string;
let backup: string;
let port: number;
const CONTROLLER = ['postgres', 'controller', 'signer'];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hb-'));
  // The user that PostgreSQL runs as must be able to walk in.
  execFileSync('/bin/chmod', ['755', folder]);
  dataDir = join(folder, 'data');
  backup = join(folder, 'backup');
  mkdirSync(backup);
  port = await freePort();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** With owners, modes and times. */
const copy = (from: string, to: string): void => {
  for (const part of CONTROLLER) execFileSync('/bin/cp', ['--archive', join(from, part), to]);
};
const restore = (): void => {
  for (const part of CONTROLLER) rmSync(join(dataDir, part), { recursive: true });
  copy(backup, dataDir);
};
const linkLog = (): string => readFileSync(join(dataDir, 'logs/link.log'), 'utf8');
const countOf = (words: string): number => linkLog().split(words).length - 1;

/** Runs the product until the node's link process has said `words` once more. */
async function runUntil(words: string, args: readonly string[] = []): Promise<void> {
  const before = dataDirHasLog() ? countOf(words) : 0;
  const stack: StandaloneStack = await launchStandalone({ home: ROOT, dataDir, port, args }).ready;
  try {
    await waitFor(`"${words}" in the log of the link`, () => countOf(words) > before);
  } finally {
    expect(await stack.stop()).toBe(0);
  }
}
const dataDirHasLog = (): boolean => {
  try {
    return linkLog() !== '';
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
};

const UP = 'the link is up';
const LOCKED = 'two copies of this node have connected';

describe('a lost controller', { timeout: 240_000 }, () => {
  it('KEYS12 comes back from its backup, and the node links again by itself', async () => {
    await runUntil(UP);
    copy(dataDir, backup);
    // What happens after the backup is lost; the node remembers it.
    await runUntil(UP);
    restore();
    await runUntil(UP, ['--after-restore']);
    await runUntil(UP);
    expect(countOf(LOCKED)).toBe(0);
  });

  it('KEYS12 without the word of a person an old database is no proof: the node is taken for a copy and locked', async () => {
    restore();
    await runUntil(LOCKED);
    // The same backup with that word brings it back.
    restore();
    await runUntil(UP, ['--after-restore']);
  });
});
