import type { Host } from '../actions/index.ts';
import { HaubanError } from '../errors/index.ts';
import { readUserPart, writeUserPart } from './fake-users.ts';
import { resourceKey, type FakeWorld } from './fake-world.ts';

type Effect = (name: string, change: () => void) => Promise<void>;

/** Resources as a map, tasks and questions as the test gave them. */
export function createFakeFamilies(world: FakeWorld, effect: Effect): Pick<Host, 'resources' | 'tasks' | 'queries'> {
  return {
    resources: {
      // Sound: `write` is the only one that fills the map, and tests know what they put in.
      read: (resource, id) => {
        const part = readUserPart(world, resource, id);
        const value = part === undefined ? (world.resources.get(resourceKey(resource, id)) ?? null) : part;
        return Promise.resolve(value as never);
      },
      write: (resource, id, value) =>
        effect(`${resource} ${id} ${value === null ? 'removed' : JSON.stringify(value)}`, () => {
          if (writeUserPart(world, resource, id, value)) return;
          if (value === null) world.resources.delete(resourceKey(resource, id));
          else world.resources.set(resourceKey(resource, id), value);
        }),
    },
    tasks: { run: (task, args) => effect(`${task} ${JSON.stringify(args)}`, () => world.tasks[task]?.(args)) },
    queries: {
      ask(query, args) {
        const answer = world.answers[query];
        if (answer === undefined) throw new HaubanError('UNAVAILABLE', `${query} has no answer in this test`);
        return Promise.resolve(answer(args));
      },
    },
  };
}
