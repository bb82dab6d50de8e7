import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { loadDebianMirror } from './debian-mirror.ts';
import { withFileLock } from './file-lock.ts';
import { doesAnyNodeStand } from './lab-owner.ts';
import { mountsBelow } from './mount-table.ts';
import { mustRunProgram } from './program.ts';
import { programs } from './programs.ts';

/**
 * File trees of whole Debian releases, built by debootstrap once and kept in the cache. A tree appears under its name
 * only when it is complete (built beside it, then one rename) and carries the recipe it was built from, so that a
 * changed recipe rebuilds it.
 */
export type DebianRecipe = {
  readonly suite: string;
  readonly packages: readonly string[];
  /** Raise it when `finish` changes. */
  readonly revision: number;
  /** Last changes to the fresh tree, before it gets its name. */
  readonly finish?: (folder: string) => void;
};

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const recipeFile = '.hauban-lab-recipe';
/** Measured about one minute a tree; a slow mirror may take many. */
const buildTimeoutMs = 20 * 60_000;

function recipeText({ suite, packages, revision }: DebianRecipe): string {
  return `${JSON.stringify({ suite, packages, revision })}\n`;
}

function isBuilt(folder: string, recipe: DebianRecipe): boolean {
  const path = join(folder, recipeFile);
  return existsSync(path) && readFileSync(path, 'utf8') === recipeText(recipe);
}

async function removeTree(folder: string): Promise<void> {
  const mounts = mountsBelow(folder);
  if (mounts.length > 0) throw new Error(`${folder} cannot be removed, mounted there: ${mounts.join(', ')}`);
  await mustRunProgram(programs.rm.path, ['--recursive', '--force', '--one-file-system', '--', folder], {
    timeoutMs: 300_000,
  });
}

async function build(folder: string, recipe: DebianRecipe): Promise<void> {
  const building = `${folder}.building`;
  await removeTree(building);
  const args = [
    '--variant=minbase',
    `--keyring=${keyring}`,
    `--include=${recipe.packages.join(',')}`,
    recipe.suite,
    building,
    loadDebianMirror(),
  ];
  const startMs = performance.now();
  process.stderr.write(`lab: building ${basename(folder)} from Debian ${recipe.suite}, about a minute\n`);
  await mustRunProgram(programs.debootstrap.path, args, { timeoutMs: buildTimeoutMs });
  const archives = join(building, 'var/cache/apt/archives');
  await removeTree(archives);
  mkdirSync(join(archives, 'partial'), { recursive: true });
  recipe.finish?.(building);
  writeFileSync(join(building, recipeFile), recipeText(recipe));
  // A tree of an older recipe may still be the lower layer of a running node: renamed, it goes on serving it, until a
  // build finds no node standing.
  if (existsSync(folder)) renameSync(folder, `${folder}.old-${randomBytes(4).toString('hex')}`);
  renameSync(building, folder);
  if (!doesAnyNodeStand()) await removeReplacedTrees(folder);
  process.stderr.write(`lab: ${basename(folder)} built in ${Math.round((performance.now() - startMs) / 1000)} s\n`);
}

async function removeReplacedTrees(folder: string): Promise<void> {
  const replaced = readdirSync(dirname(folder)).filter((name) => name.startsWith(`${basename(folder)}.old-`));
  for (const name of replaced) await removeTree(join(dirname(folder), name));
}

/** Gives `folder` with the tree in it, building it when it is not there. Several processes may ask at the same time. */
export async function loadDebianRoot(folder: string, recipe: DebianRecipe): Promise<string> {
  if (isBuilt(folder, recipe)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  await withFileLock(`${folder}.lock`, buildTimeoutMs, async () => {
    if (!isBuilt(folder, recipe)) await build(folder, recipe);
  });
  return folder;
}
