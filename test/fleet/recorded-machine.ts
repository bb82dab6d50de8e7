import { closeSync, fdatasync, openSync, readFileSync, writeSync } from 'node:fs';
import { systemClock } from '@hauban/link';
import type { Host, HostFirewall } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { createFakeHost } from '@hauban/shared/testing';
import type { MachineEffect } from './history.ts';

export interface MachineParts {
  /** Append-only, one line of JSON for each change: all that the machine is. */
  readonly file: string;
  /** How a ban of this address goes wrong here: an error, or a change that has no effect; null: it does not. */
  readonly faultOf: (address: string) => 'error' | 'no effect' | null;
  /** Time that a change takes before and after it is made, so that a kill finds the middle of it; 0: none. */
  readonly slowMs: () => number;
  readonly changed: () => void;
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** What a machine wrote down; empty when it was never changed. */
export function loadEffects(file: string): MachineEffect[] {
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as MachineEffect);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

const sync = (descriptor: number): Promise<void> =>
  new Promise((resolve, reject) => {
    fdatasync(descriptor, (error) => (error === null ? resolve() : reject(error)));
  });

const pause = (ms: number): Promise<void> =>
  ms <= 0 ? Promise.resolve() : new Promise((done) => setTimeout(done, ms));

/** The file is on disk before anybody hears of the change. */
function createFirewall({ file, faultOf, slowMs, changed }: MachineParts): HostFirewall {
  const banned = new Set<string>();
  for (const { address, after } of loadEffects(file)) {
    if (after) banned.add(address);
    else banned.delete(address);
  }
  const write = async (effects: readonly MachineEffect[]): Promise<void> => {
    const descriptor = openSync(file, 'a', 0o600);
    try {
      writeSync(descriptor, effects.map((effect) => `${JSON.stringify(effect)}\n`).join(''));
      await sync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  };
  return {
    bans: () =>
      Promise.resolve(
        [...banned].map((target) => ({ target, expiresAt: null, reason: 'manual', since: null, packets: null })),
      ),
    neverBan: () => Promise.resolve([]),
    update: async (add, remove) => {
      await pause(slowMs());
      const at = systemClock.nowMs();
      const faults = new Map(add.map(({ target }) => [target, faultOf(target)]));
      const effects: MachineEffect[] = [
        ...remove.map((address) => ({ at, what: 'lift' as const, address, before: banned.has(address), after: false })),
        ...add.map(({ target: address }) => {
          const before = banned.has(address);
          return { at, what: 'ban' as const, address, before, after: faults.get(address) === null || before };
        }),
      ];
      for (const { address, after } of effects) {
        if (after) banned.add(address);
        else banned.delete(address);
      }
      await write(effects);
      changed();
      await pause(slowMs());
      if ([...faults.values()].includes('error')) throw new HaubanError('ACTION_FAILED', 'the machine refused the ban');
    },
  };
}

/** A machine in memory whose firewall is a file: it outlives the process, and says itself what was done to it. */
export function createRecordedMachine(parts: MachineParts): Host {
  return { ...createFakeHost(), clock: systemClock, firewall: createFirewall(parts) };
}
