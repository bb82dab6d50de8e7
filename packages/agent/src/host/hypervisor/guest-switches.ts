import type { GuestFacts, GuestPlace } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts } from '../drivers.ts';
import { waitUntil } from '../wait-until.ts';
import type { Hypervisor } from './hypervisor.ts';

/** How long an undo waits for a guest to go down. */
const USUAL_WAIT_MS = 120_000;
/** A guest that was asked when we died goes down a while later, or never. */
const SETTLE_MS = 30_000;
const EVERY_MS = 250;
/** One that boots does not hear its power button: it is pressed again. */
const ASK_AGAIN_MS = 10_000;

/** Switching guests on and off, on any hypervisor. */
export interface GuestSwitches {
  facts(place: GuestPlace): Promise<GuestFacts>;
  start(place: GuestPlace): Promise<void>;
  shutDown(place: GuestPlace, waitMs?: number): Promise<void>;
  cut(place: GuestPlace, run: string): Promise<void>;
  reboot(place: GuestPlace, run: string, waitMs: number): Promise<void>;
  bringBack(place: GuestPlace): Promise<void>;
}

/** Which run of a guest was asked to shut down and has not answered yet; kept over a crash. */
interface AskedNotes {
  has(facts: GuestFacts): Promise<boolean>;
  put(facts: GuestFacts): Promise<void>;
  drop(identity: string): Promise<void>;
}

function createAskedNotes({ files, stateDirectory }: SwitchParts): AskedNotes {
  // The hypervisor has said that this identity is a guest: it is no path.
  const noteOf = (identity: string): string => `${stateDirectory}/guest-asked-${identity}`;
  return {
    async has({ identity, run }) {
      const note = await files.state(noteOf(identity));
      return note.type === 'file' && note.content === run;
    },
    put: ({ identity, run }) => files.writeFile(noteOf(identity), run, { mode: 0o600, uid: 0, gid: 0 }),
    drop: (identity) => files.removeFile(noteOf(identity)),
  };
}

type SwitchParts = Pick<DriverParts, 'clock' | 'files' | 'stateDirectory'>;

export function createGuestSwitches(hypervisor: Hypervisor, parts: SwitchParts): GuestSwitches {
  const { clock } = parts;
  const asked = createAskedNotes(parts);
  const facts = async ({ guest, identity }: GuestPlace): Promise<GuestFacts> => {
    const found = await hypervisor.facts(guest);
    if (found?.identity === identity) return found;
    const what = found === null ? 'is gone' : 'is another guest now';
    throw new HaubanError('CHANGE_CONFLICT', `${guest.slice(0, 63)} ${what}: nothing was done to it`);
  };
  const isOff = async (place: GuestPlace): Promise<true | null> => ((await facts(place)).state === 'off' ? true : null);

  const start = async (place: GuestPlace): Promise<void> => {
    const { state } = await facts(place);
    if (state === 'running') return;
    if (state !== 'off') throw new HaubanError('CHANGE_CONFLICT', `${place.guest} is ${state}: it is not started`);
    await hypervisor.start(place.identity);
  };
  const askUntilOff = async (place: GuestPlace, waitMs: number): Promise<boolean> => {
    for (let leftMs = waitMs; leftMs > 0; leftMs -= ASK_AGAIN_MS) {
      await hypervisor.askToShutDown(place.identity);
      if ((await waitUntil(clock, Math.min(leftMs, ASK_AGAIN_MS), () => isOff(place), EVERY_MS)) === true) return true;
    }
    return false;
  };
  const shutDown = async (place: GuestPlace, waitMs = USUAL_WAIT_MS): Promise<void> => {
    const now = await facts(place);
    if (now.state === 'off') return;
    await asked.put(now);
    const isDown = await askUntilOff(place, waitMs);
    await asked.drop(place.identity);
    if (isDown) return;
    throw new HaubanError(
      'ACTION_FAILED',
      `${place.guest} was asked to shut down and still runs after ${Math.round(waitMs / 1000)} s: look at its console, or use guest.stop, which cuts its power`,
    );
  };
  return {
    facts,
    start,
    shutDown,
    async cut(place, run) {
      const now = await facts(place);
      if (now.state === 'off' || now.run !== run) return;
      await hypervisor.cut(place.identity);
    },
    async reboot(place, run, waitMs) {
      const now = await facts(place);
      if (now.run !== run) return;
      await shutDown(place, waitMs);
      await start(place);
    },
    async bringBack(place) {
      if (await asked.has(await facts(place))) await waitUntil(clock, SETTLE_MS, () => isOff(place), EVERY_MS);
      await asked.drop(place.identity);
      await start(place);
    },
  };
}
