import { applyChanges, revertChanges, type Change } from '../actions/index.ts';
import { FakeCrash, type FakeHost } from './fake-host.ts';

/** A machine before an action, what the action plans there, and its state as a text where the host's own does not say all. */
export interface CrashScene {
  readonly host: FakeHost;
  readonly changes: () => Promise<readonly Change[]>;
  readonly state?: () => string;
}

async function crashOnce({ host, changes, state = host.snapshot }: CrashScene, nth: number, when: 'before' | 'after') {
  const before = state();
  const planned = await changes();
  host.crashAt(nth, when);
  try {
    await applyChanges(host, planned);
    return 'it did not die';
  } catch (error) {
    if (!(error instanceof FakeCrash)) throw error;
  }
  const failed = await revertChanges(host, planned);
  if (failed.length > 0) return `not taken back: ${JSON.stringify(failed)}`;
  return state() === before ? null : 'the machine is not as it was';
}

/**
 * Kills an action before and after each of its effects, and takes back what it planned: a sentence for each place where
 * the machine is not as it was. Fewer effects than `atLeast` are one too, because then little was tried.
 */
export async function sweepCrashes(
  create: () => CrashScene | Promise<CrashScene>,
  atLeast = 1,
): Promise<readonly string[]> {
  const { host, changes } = await create();
  const prepared = host.effects.length;
  await applyChanges(host, await changes());
  const count = host.effects.length - prepared;
  const broken = count < atLeast ? [`it has ${count} effects, not ${atLeast}`] : [];
  for (let nth = 1; nth <= count; nth += 1)
    for (const when of ['before', 'after'] as const) {
      const problem = await crashOnce(await create(), nth, when);
      if (problem !== null) broken.push(`killed ${when} effect ${nth}: ${problem}`);
    }
  return broken;
}
