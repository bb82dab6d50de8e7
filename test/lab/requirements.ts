import { existsSync, readFileSync, statSync } from 'node:fs';
import { nodePrograms, programs } from './programs.ts';

/** Whether real nodes can stand on this machine; `missing` is one sentence for a person. */
export type LabRequirements = { readonly ok: true } | { readonly ok: false; readonly missing: string };

function knowsOverlay(): boolean {
  return readFileSync('/proc/filesystems', 'utf8')
    .split('\n')
    .some((line) => line.trim().split(/\s+/).at(-1) === 'overlay');
}

function findMissing(): string | null {
  if (process.platform !== 'linux') return 'nodes of the lab need Linux';
  if (process.getuid?.() !== 0) return 'nodes of the lab need root (namespaces, mounts)';
  const absent = Object.values({ ...programs, ...nodePrograms }).filter(({ path }) => !existsSync(path));
  if (absent.length > 0) {
    const names = [...new Set(absent.map((program) => program.package))];
    return `nodes of the lab need these packages: ${names.join(' ')} (node scripts/setup-test.mjs installs them)`;
  }
  if (!knowsOverlay()) return 'nodes of the lab need a kernel with overlayfs';
  const rootDevice = statSync('/').dev;
  const apart = ['/usr', '/etc', '/var'].find((folder) => statSync(folder).dev !== rootDevice);
  if (apart !== undefined) return `nodes of the lab need ${apart} on the same file system as /`;
  return null;
}

/** What a missing requirement means: null is none, a throw is a failed test run. */
export function judgeRequirements(
  missing: string | null,
  run: { readonly isCi: boolean; readonly isRoot: boolean },
): LabRequirements {
  if (missing === null) return { ok: true };
  if (run.isCi && run.isRoot) throw new Error(missing);
  return { ok: false, missing };
}

/**
 * For `describe.skipIf(!labRequirements().ok)`. The reason of a skip is printed. With `CI=true` and root a lab that
 * cannot stand is a failure: there, skipping would mean that nobody notices.
 */
export function labRequirements(): LabRequirements {
  const requirements = judgeRequirements(findMissing(), {
    isCi: process.env['CI'] === 'true',
    isRoot: process.getuid?.() === 0,
  });
  if (!requirements.ok) process.stderr.write(`lab: skipped, ${requirements.missing}\n`);
  return requirements;
}
