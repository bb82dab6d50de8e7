import { lstat, unlink } from 'node:fs/promises';
import { homeOf, JAIL_DEVICES } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts, ResourceDriver } from '../drivers.ts';
import { PROGRAM_PATHS } from '../program-paths.ts';
import { saidBy } from '../run-program.ts';
import { errorCode, ROOT_TRUST, withParent } from '../safe-path.ts';
import { checkName } from './account-name.ts';

type Parts = Pick<DriverParts, 'programs' | 'requireRoot' | 'isSystemd'>;
const MODE = '0666';

/** Only those of the list: a device of a disk or of the memory would be the whole machine. */
function parseId(id: string): {
  readonly path: string;
  readonly major: number;
  readonly minor: number;
} {
  const [name = '', device = '', ...rest] = id.split('/');
  checkName(name);
  const numbers = Object.hasOwn(JAIL_DEVICES, device) ? JAIL_DEVICES[device] : undefined;
  if (numbers === undefined || rest.length > 0)
    throw new HaubanError('ACTION_REFUSED', `${JSON.stringify(device.slice(0, 40))} is no device of a jail`);
  return { path: `${homeOf(name)}/dev/${device}`, major: numbers[0], minor: numbers[1] };
}

/** As Linux packs them (gnu_dev_major). */
const numbersOf = (rdev: number): readonly [number, number] => [
  Math.floor(rdev / 256) % 4096,
  (rdev % 256) + Math.floor(rdev / 1_048_576) * 256,
];

async function look(path: string): Promise<{ major: number; minor: number; mode: string } | null> {
  try {
    const found = await lstat(path);
    const [major, minor] = found.isCharacterDevice() ? numbersOf(found.rdev) : [-1, -1];
    return { major, minor, mode: `0${(found.mode & 0o7777).toString(8)}` };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

export function createJailDevices({ programs, requireRoot, isSystemd }: Parts): ResourceDriver<'account.jail-device'> {
  /** The executor itself may make no device: a unit of its own does it for one that is on the list. */
  const make = async (path: string, major: number, minor: number): Promise<void> => {
    const args = [`--mode=${MODE}`, '--', path, 'c', String(major), String(minor)];
    const unit = ['--quiet', '--wait', '--collect', '--service-type=exec', '--', PROGRAM_PATHS.mknod, ...args];
    const result = isSystemd ? await programs.run('systemd-run', unit) : await programs.run('mknod', args);
    if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `mknod ${path}: ${saidBy(result)}`);
  };
  return {
    read: (id) =>
      withParent(
        parseId(id).path,
        ROOT_TRUST,
        (parent, name) => look(parent.at(name)),
        () => null,
      ),
    async write(id, value) {
      requireRoot('Making a device');
      const { path, major, minor } = parseId(id);
      if (value !== null && (value.major !== major || value.minor !== minor || value.mode !== MODE))
        throw new HaubanError('ACTION_REFUSED', `${path} is no device of a jail with these numbers`);
      // The folder was found to be root's alone, so its name still means it when mknod takes it.
      const clear = async (parent: { at(name: string): string }, name: string): Promise<void> => {
        if ((await look(parent.at(name))) !== null) await unlink(parent.at(name));
      };
      await withParent(path, ROOT_TRUST, clear, () => undefined);
      if (value !== null) await make(path, major, minor);
    },
  };
}
