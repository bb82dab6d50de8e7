import type { Host } from '../actions/index.ts';
import { FakeClock } from './fake-clock.ts';
import { createFakeFamilies } from './fake-families.ts';
import {
  createFakeAccounts,
  createFakeFiles,
  createFakeFirewall,
  createFakePhp,
  createFakePrograms,
  createFakeWeb,
} from './fake-host-parts.ts';
import { createFakeWorld, snapshotWorld, type FakeWorld } from './fake-world.ts';
import { SeededRandom } from './seeded-random.ts';

/** What a `kill -9` looks like from inside: not a HaubanError, so nothing catches it by mistake. */
export class FakeCrash extends Error {}

export interface FakeHost extends Host {
  readonly clock: FakeClock;
  readonly world: FakeWorld;
  /** One line a program start, arguments joined by spaces. */
  readonly ran: readonly string[];
  /** One line an effect, in order. */
  readonly effects: readonly string[];
  /** The n-th effect from now (1 is the next one) throws FakeCrash, before or after it has happened. */
  crashAt(nth: number, when: 'before' | 'after'): void;
  /** Equal texts: the machine is in the same state. */
  snapshot(): string;
}

/** A whole node in memory: for plan, engine, verify and undo of actions. What it cannot show is in test/lab. */
export function createFakeHost(world: FakeWorld = createFakeWorld()): FakeHost {
  const clock = new FakeClock();
  const ran: string[] = [];
  const effects: string[] = [];
  let crash: { left: number; when: 'before' | 'after' } | null = null;

  const effect = (name: string, change: () => void): Promise<void> => {
    if (crash !== null) crash.left -= 1;
    const due = crash?.left === 0 ? crash.when : null;
    if (due !== null) crash = null;
    if (due === 'before') return Promise.reject(new FakeCrash(`before ${name}`));
    effects.push(name);
    change();
    return due === 'after' ? Promise.reject(new FakeCrash(`after ${name}`)) : Promise.resolve();
  };

  return {
    clock,
    random: new SeededRandom(1),
    world,
    ran,
    effects,
    programs: createFakePrograms(world, effect, ran),
    files: createFakeFiles(world, effect),
    accounts: createFakeAccounts(world),
    web: createFakeWeb(world, effect),
    php: createFakePhp(world, effect),
    firewall: createFakeFirewall(world, effect, clock),
    ...createFakeFamilies(world, effect),
    crashAt(nth, when) {
      crash = { left: nth, when };
    },
    snapshot: () => snapshotWorld(world),
  };
}
