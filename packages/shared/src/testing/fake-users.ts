import type { AccountEntry, ResourceName } from '../actions/index.ts';
import { resourceKey, type FakeWorld } from './fake-world.ts';

/** The line of a user in a FakeWorld, which goes with its expiry and of which its shell is a part. */

const entryOf = (world: FakeWorld, name: string): AccountEntry | null =>
  (world.resources.get(resourceKey('account.entry', name)) as AccountEntry | undefined) ?? null;

/** Undefined: the resource is none of these. */
export function readUserPart(world: FakeWorld, resource: ResourceName, name: string): object | null | undefined {
  if (resource !== 'account.expiry' && resource !== 'account.shell') return undefined;
  const entry = entryOf(world, name);
  if (entry === null) return null;
  return resource === 'account.shell' ? { shell: entry.shell } : undefined;
}

function setEntry(world: FakeWorld, name: string, entry: AccountEntry | null): void {
  const key = resourceKey('account.entry', name);
  if (entry === null) {
    world.resources.delete(key);
    world.users.delete(name);
    return;
  }
  const { uid, gid, comment, home, shell } = entry;
  world.resources.set(key, entry);
  world.users.set(name, { name, uid, gid, comment, home, shell });
}

/** False: the resource is none of these. */
export function writeUserPart(world: FakeWorld, resource: ResourceName, name: string, value: unknown): boolean {
  const entry = entryOf(world, name);
  if (resource === 'account.entry') setEntry(world, name, value as AccountEntry | null);
  else if (resource === 'account.shell' && entry !== null)
    setEntry(world, name, { ...entry, shell: (value as { shell: string }).shell });
  else return false;
  return true;
}
