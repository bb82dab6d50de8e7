import { AsyncLocalStorage } from 'node:async_hooks';
import type { Program } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { programAt } from './program-paths.ts';

/** They answer who somebody is and what somebody may, and change nothing: every action may ask them. */
const LOOKUPS: readonly Program[] = ['getent', 'test'];

/** What the work may start that is going on; nothing is kept outside of any action (bans put back at the start). */
const listed = new AsyncLocalStorage<ReadonlySet<Program>>();

/** Runs `work`; whatever it starts, however indirectly, has to be one of these. */
export const withinPrograms = <T>(programs: readonly Program[], work: () => Promise<T>): Promise<T> =>
  listed.run(new Set([...LOOKUPS, ...programs]), work);

/** Asked where every program of an action is started, whatever led there. */
export function checkListed(path: string): void {
  const programs = listed.getStore();
  if (programs === undefined) return;
  const program = programAt(path);
  if (program === null || !programs.has(program))
    throw new HaubanError('ACTION_REFUSED', `${path.slice(0, 80)} is not among the programs of this action`);
}
