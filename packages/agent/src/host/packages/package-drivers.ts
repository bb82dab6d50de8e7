/** Debian packages by apt and dpkg. What changes something runs in a unit of its own, outside of the executor's sandbox. */
import { stat } from 'node:fs/promises';
import type { Host, PackageQueries, PackageResources, PackageTasks, PackageUpdate } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts, FamilyDrivers } from '../drivers.ts';
import { saidBy } from '../run-program.ts';
import { errorCode } from '../safe-path.ts';
import { parseSimulation } from './apt-simulation.ts';
import { createAptUnit } from './apt-unit.ts';

const NAME = /^[a-z0-9][a-z0-9+.-]{1,80}:[a-z0-9-]{2,20}$/;
const VERSION = /^[0-9][A-Za-z0-9.+~:-]{0,100}$/;
const MOST_PACKAGES = 500;

/** When the lists were last fetched: apt keeps its own mark, and partial downloads lie in a folder beside. */
async function listsTime(): Promise<number | null> {
  try {
    return Math.round((await stat('/var/lib/apt/lists')).mtimeMs);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

function parseNames(id: string): readonly string[] {
  const names = id.split(',');
  const bad = names.find((name) => !NAME.test(name));
  if (bad !== undefined || names.length > MOST_PACKAGES)
    throw new HaubanError('ACTION_REFUSED', `${(bad ?? id).slice(0, 100)} is no list of package names`);
  return names;
}

/** What apt would bring, from the lists as they are. */
async function askApt(programs: Host['programs']): Promise<{ readonly updates: readonly PackageUpdate[] }> {
  const simulated = await programs.run(
    'apt-get',
    ['--simulate', '-o', 'APT::Get::Show-User-Simulation-Note=0', 'upgrade'],
    { timeoutMs: 60_000 },
  );
  if (simulated.status !== 0)
    throw new HaubanError('PROGRAM_FAILED', `apt-get can not say what it would do: ${saidBy(simulated)}`);
  return { updates: parseSimulation(simulated.stdout) };
}

/** Packages that dpkg left neither installed nor away. */
async function findBroken(programs: Host['programs']): Promise<readonly string[]> {
  const { stdout } = await programs.run('dpkg-query', [
    '--show',
    '--showformat=${Package} ${db:Status-Eflag} ${db:Status-Status}\\n',
  ]);
  return stdout.split('\n').flatMap((line) => {
    const [name = '', flag = 'ok', status = 'installed'] = line.split(' ');
    const isWell = flag === 'ok' && /^(?:installed|config-files|not-installed)$/.test(status);
    return isWell || name === '' ? [] : [name];
  });
}

export function createPackageDrivers({
  programs,
  clock,
}: DriverParts): FamilyDrivers<PackageResources, PackageTasks, PackageQueries> {
  const { aptInUnit, whenQuiet } = createAptUnit(programs, clock);

  const versionsOf = async (names: readonly string[]): Promise<ReadonlyMap<string, string>> => {
    const { stdout } = await programs.run('dpkg-query', [
      '--show',
      '--showformat=${Package}:${Architecture} ${Version} ${db:Status-Status}\\n',
      '--',
      // A package of all architectures is asked for by its name alone.
      ...names.map((name) => name.replace(/:all$/, '')),
    ]);
    return new Map(
      stdout.split('\n').flatMap((line): [string, string][] => {
        const [name = '', version = '', status = ''] = line.split(' ');
        return status === 'installed' ? [[name, version]] : [];
      }),
    );
  };

  return {
    resources: {
      'package.versions': {
        async read(id) {
          const names = parseNames(id);
          await whenQuiet();
          const versions = await versionsOf(names);
          return { versions: names.map((name) => versions.get(name) ?? 'not installed') };
        },
        async write(id, value) {
          const names = parseNames(id);
          const versions = value?.versions ?? [];
          if (versions.length !== names.length || !versions.every((version) => VERSION.test(version)))
            throw new HaubanError('ACTION_REFUSED', 'there is not one version for each of these packages');
          const wanted = names.map((name, at) => `${name.replace(/:all$/, '')}=${versions[at] ?? ''}`);
          await aptInUnit(['install', '--yes', '--only-upgrade', '--allow-downgrades', '--no-remove', '--', ...wanted]);
        },
      },
    },
    tasks: { 'package.refresh': () => aptInUnit(['update', '--error-on=any']) },
    queries: {
      'package.updates': async () => {
        await whenQuiet();
        return { ...(await askApt(programs)), listsFrom: await listsTime(), broken: await findBroken(programs) };
      },
    },
  };
}
