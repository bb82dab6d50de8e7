/** Fakes for what comes in as an argument: clock, randomness, host. Only tests may import this room. */
export { FakeClock } from './fake-clock.ts';
export { SeededRandom } from './seeded-random.ts';
export { createFakeHost, FakeCrash, type FakeHost } from './fake-host.ts';
export { createFakeWorld, type FakeWorld } from './fake-world.ts';
export { sweepCrashes } from './crash-sweep.ts';
