import { constants, type Stats } from 'node:fs';
import { lstat, mkdir, open, readdir, readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { homeOf, isJailPath, JAIL_FOLDERS } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts, ResourceDriver } from '../drivers.ts';
import { errorCode, openDirectory, ROOT_TRUST, withParent, type OpenDirectory } from '../safe-path.ts';
import { checkName } from './account-name.ts';
import { loadSystemFile, sha256Of } from './system-file.ts';

/**
 * Copies in the jails of accounts. Never a link: a hard link of a program would be the program itself, with its owner and
 * its setuid bit, and would change with it. What is replaced is kept, once for all accounts, as long as an undo may ask.
 */

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const KEPT_MS = 31 * 24 * 3_600_000;
const MODES: Readonly<Record<string, number>> = { '0755': 0o755, '0644': 0o644 };
const SHA256 = /^[0-9a-f]{64}$/;
const TEMPORARY = /^\..{1,110}\.hauban-tmp$/;

type Parts = Pick<DriverParts, 'clock' | 'stateDirectory' | 'requireRoot'>;
interface Value {
  readonly sha256: string;
  readonly mode: string;
}

function parseId(id: string): { readonly inside: string; readonly path: string } {
  const [, name = '', inside = ''] = /^([a-z0-9]{1,32})\/(.{1,800})$/.exec(id) ?? [];
  checkName(name);
  if (!isJailPath(inside))
    throw new HaubanError('ACTION_REFUSED', `${JSON.stringify(id.slice(0, 80))} names no file of a jail`);
  return { inside, path: `${homeOf(name)}/${inside}` };
}

async function lookAt(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Its content, when it is one that we could have made. */
async function readCopy(path: string): Promise<{ readonly bytes: Buffer; readonly stat: Stats } | null> {
  const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const found = await handle.stat();
    if (!found.isFile() || found.uid !== 0 || found.gid !== 0 || found.nlink !== 1) return null;
    return { bytes: await handle.readFile(), stat: found };
  } finally {
    await handle.close();
  }
}

async function readValue(parent: OpenDirectory, name: string): Promise<Value | null> {
  const found = await lookAt(parent.at(name));
  if (found === null) return null;
  const copy = found.isFile() ? await readCopy(parent.at(name)) : null;
  if (copy === null) return { sha256: 'not a copy', mode: '' };
  return { sha256: sha256Of(copy.bytes), mode: `0${(copy.stat.mode & 0o7777).toString(8)}` };
}

async function putFile(parent: OpenDirectory, name: string, bytes: Buffer, mode: number): Promise<void> {
  const temporary = parent.at(`.${name}.hauban-tmp`);
  if ((await lookAt(temporary)) !== null) await unlink(temporary);
  const handle = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.chown(0, 0);
    await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, parent.at(name));
  await parent.handle.sync();
}

/** By their hash, root's alone. */
class KeptFiles {
  readonly #folder: string;
  readonly #nowMs: () => number;
  constructor({ stateDirectory, clock }: Parts) {
    this.#folder = join(stateDirectory, 'jail-kept');
    this.#nowMs = () => clock.nowMs();
  }

  async keep(bytes: Buffer): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await this.#forgetOld();
    const path = join(this.#folder, sha256Of(bytes));
    const seconds = this.#nowMs() / 1000;
    if ((await lookAt(path)) === null) {
      await writeFile(`${path}.new`, bytes, { mode: 0o600, flush: true });
      await rename(`${path}.new`, path);
    }
    await utimes(path, seconds, seconds);
  }

  async find(sha256: string): Promise<Buffer | null> {
    try {
      const bytes = await readFile(join(this.#folder, sha256));
      return sha256Of(bytes) === sha256 ? bytes : null;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return null;
      throw error;
    }
  }

  async #forgetOld(): Promise<void> {
    const oldestMs = this.#nowMs() - KEPT_MS;
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      if ((await stat(path)).mtimeMs < oldestMs) await unlink(path);
    }
  }
}

function checkValue({ sha256, mode }: Value): number {
  const bits = Object.hasOwn(MODES, mode) ? MODES[mode] : undefined;
  if (bits === undefined || !SHA256.test(sha256))
    throw new HaubanError('ACTION_REFUSED', 'no such file is put into a jail');
  return bits;
}

export function createJailFiles(parts: Parts): ResourceDriver<'account.jail-file'> {
  const kept = new KeptFiles(parts);
  const sourceOf = async (inside: string, sha256: string): Promise<Buffer> => {
    const own = await loadSystemFile(`/${inside}`).catch((error: unknown) => {
      if (error instanceof HaubanError) return null;
      throw error;
    });
    const bytes = own?.sha256 === sha256 ? own.bytes : await kept.find(sha256);
    if (bytes === null)
      throw new HaubanError('CHANGE_CONFLICT', `/${inside} of the node has changed since the plan was made`);
    return bytes;
  };
  const keepWhatIsThere = async (parent: OpenDirectory, name: string): Promise<void> => {
    const found = await lookAt(parent.at(name));
    if (found === null) return;
    const copy = found.isFile() ? await readCopy(parent.at(name)) : null;
    if (copy === null) throw new HaubanError('CHANGE_CONFLICT', `${name} is no copy of ours`);
    await kept.keep(copy.bytes);
  };
  return {
    read: (id) => withParent(parseId(id).path, ROOT_TRUST, readValue, () => null),
    async write(id, value) {
      parts.requireRoot('Filling a jail');
      const { inside, path } = parseId(id);
      if (value === null) {
        const remove = async (parent: OpenDirectory, name: string): Promise<void> => {
          await keepWhatIsThere(parent, name);
          if ((await lookAt(parent.at(name))) !== null) await unlink(parent.at(name));
          await parent.handle.sync();
        };
        return withParent(path, ROOT_TRUST, remove, () => undefined);
      }
      const mode = checkValue(value);
      return withParent(path, ROOT_TRUST, async (parent, name) => {
        const bytes = await sourceOf(inside, value.sha256);
        await keepWhatIsThere(parent, name);
        await putFile(parent, name, bytes, mode);
      });
    },
  };
}

/** A folder that is not root's alone is not entered: nothing of ours is in it. */
async function tidyFolder(path: string): Promise<void> {
  const folder = await openDirectory(path, ROOT_TRUST, true);
  if (folder === null) return;
  try {
    for (const entry of await readdir(folder.at('.'), { withFileTypes: true }))
      if (entry.isDirectory()) await tidyFolder(`${path}/${entry.name}`);
      else if (entry.isFile() && TEMPORARY.test(entry.name)) await unlink(folder.at(entry.name));
  } finally {
    await folder.handle.close();
  }
}

/** What a crash left half-written below the jail's folders. */
export async function tidyJail(name: string): Promise<void> {
  checkName(name);
  for (const folder of JAIL_FOLDERS) await tidyFolder(`${homeOf(name)}/${folder}`);
}
