import type { Queries, Resources, Tasks } from '@hauban/shared/actions';
import { createAccountDrivers } from './accounts/account-drivers.ts';
import { createBalancerDrivers } from './balancer/balancer-drivers.ts';
import { createCustomDrivers } from './custom/custom-drivers.ts';
import { createDatabaseDrivers } from './databases/database-drivers.ts';
import type { DriverParts, FamilyDrivers } from './drivers.ts';
import { createHypervisorDrivers } from './hypervisor/hypervisor-drivers.ts';
import { createMailDrivers } from './mail/mail-drivers.ts';
import { createNodeDrivers } from './node/node-drivers.ts';
import { createPackageDrivers } from './packages/package-drivers.ts';
import { createProtectionDrivers } from './protection/protection-drivers.ts';
import { createServiceDrivers } from './services/service-drivers.ts';
import { createStorageDrivers } from './storage/storage-drivers.ts';
import { createWebDrivers } from './web/web-drivers.ts';

/** Every family's drivers; the compiler says which one is missing. */
export function createFamilies(parts: DriverParts): FamilyDrivers<Resources, Tasks, Queries> {
  const accounts = createAccountDrivers(parts);
  const balancer = createBalancerDrivers(parts);
  const custom = createCustomDrivers({ ...parts, ...parts.custom });
  const node = createNodeDrivers(parts);
  const packages = createPackageDrivers(parts);
  const protection = createProtectionDrivers(parts);
  const services = createServiceDrivers(parts);
  const databases = createDatabaseDrivers(parts);
  const hypervisor = createHypervisorDrivers(parts);
  const mail = createMailDrivers(parts);
  const storage = createStorageDrivers(parts);
  const web = createWebDrivers(parts);
  return {
    resources: {
      ...accounts.resources,
      ...balancer.resources,
      ...databases.resources,
      ...hypervisor.resources,
      ...mail.resources,
      ...packages.resources,
      ...protection.resources,
      ...services.resources,
      ...storage.resources,
      ...web.resources,
    },
    tasks: {
      ...accounts.tasks,
      ...balancer.tasks,
      ...custom.tasks,
      ...databases.tasks,
      ...hypervisor.tasks,
      ...mail.tasks,
      ...node.tasks,
      ...packages.tasks,
      ...services.tasks,
      ...storage.tasks,
      ...web.tasks,
    },
    queries: {
      ...accounts.queries,
      ...balancer.queries,
      ...custom.queries,
      ...databases.queries,
      ...hypervisor.queries,
      ...mail.queries,
      ...node.queries,
      ...packages.queries,
      ...protection.queries,
      ...services.queries,
      ...storage.queries,
      ...web.queries,
    },
  };
}
