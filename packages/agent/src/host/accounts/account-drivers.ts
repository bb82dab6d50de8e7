/** Accounts: their lines in passwd and shadow, their processes, kept homes, keys, permissions and limits. */
import type { AccountQueries, AccountResources, AccountTasks } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts, FamilyDrivers, ResourceDrivers } from '../drivers.ts';
import { checkName, checkUid } from './account-name.ts';
import { listAccounts } from './account-rows.ts';
import { createJailDevices } from './jail-devices.ts';
import { createJailFiles, tidyJail } from './jail-files.ts';
import { collectJail } from './jail-sources.ts';
import { createZfsProgram } from '../storage/zfs-program.ts';
import { createKeptDatasets } from './kept-datasets.ts';
import { createKeptHomes } from './kept-homes.ts';
import { createPermissions } from './permissions.ts';
import { createQuotas } from './quotas.ts';
import { askSsh } from './ssh-keys.ts';
import { createUserEntries, readEntry, readExpiry } from './user-entries.ts';
import { endProcessesOf, listProcessesOf } from './user-processes.ts';

const noUser = (name: string): HaubanError =>
  new HaubanError('ACTION_REFUSED', `user ${name} comes and goes with its whole line only`);

function users({
  programs,
  requireRoot,
}: DriverParts): Pick<ResourceDrivers<AccountResources>, 'account.entry' | 'account.expiry' | 'account.shell'> {
  const entries = createUserEntries(programs);
  const needsRoot = (): void => requireRoot('Reading /etc/shadow');
  return {
    'account.entry': {
      async read(name) {
        needsRoot();
        return readEntry(name);
      },
      write: (name, entry) => entries.writeEntry(name, entry),
    },
    'account.expiry': {
      async read(name) {
        needsRoot();
        return readExpiry(name);
      },
      async write(name, value) {
        if (value === null) throw noUser(checkName(name));
        await entries.writeExpiry(name, value.day);
      },
    },
    'account.shell': {
      async read(name) {
        needsRoot();
        const entry = await readEntry(name);
        return entry === null ? null : { shell: entry.shell };
      },
      async write(name, value) {
        if (value === null) throw noUser(checkName(name));
        await entries.writeShell(name, value.shell);
      },
    },
  };
}

export function createAccountDrivers(
  parts: DriverParts,
): FamilyDrivers<AccountResources, AccountTasks, AccountQueries> {
  const { clock, files, programs, requireRoot } = parts;
  const permissions = createPermissions(parts);
  const quotas = createQuotas(parts);
  const homes = createKeptHomes(files, createKeptDatasets(files, createZfsProgram(parts), clock));
  return {
    resources: {
      ...users(parts),
      'account.home': homes.resource,
      'account.jail-file': createJailFiles(parts),
      'account.jail-device': createJailDevices(parts),
      'account.quota': quotas.resource,
    },
    tasks: {
      async 'account.end-processes'({ uid }) {
        requireRoot('Ending processes of an account');
        await endProcessesOf(clock, checkUid(uid));
      },
      'account.fix-permissions': (work) => permissions.fix(work),
      async 'account.home-settle'({ home }) {
        requireRoot('Moving homes');
        await homes.settle(home);
      },
      async 'account.jail-tidy'({ name }) {
        requireRoot('Tidying a jail');
        await tidyJail(name);
      },
      'account.restore-permissions': ({ name, list }) => permissions.restore(name, list),
    },
    queries: {
      'account.dataset': async ({ home }) => {
        requireRoot('Looking at homes');
        return homes.datasetOf(home);
      },
      'account.processes': ({ uid }) => listProcessesOf(checkUid(uid)),
      'account.permissions': (work) => permissions.look(work),
      'account.jail-sources': ({ programs: wanted }) => collectJail(wanted),
      'account.ssh': ({ name }) => askSsh(files, programs, name),
      'account.quota-facts': ({ name }) => quotas.facts(name),
      'account.list': async () => {
        requireRoot('Listing accounts');
        return listAccounts(files, clock.nowMs());
      },
    },
  };
}
