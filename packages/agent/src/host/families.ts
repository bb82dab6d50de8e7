import type { Queries, Resources, Tasks } from '@hauban/shared/actions';
import type { DriverParts, FamilyDrivers } from './drivers.ts';
import { createServiceDrivers } from './services/service-drivers.ts';

/** Every family's drivers; the compiler says which one is missing. */
export function createFamilies(parts: DriverParts): FamilyDrivers<Resources, Tasks, Queries> {
  const services = createServiceDrivers(parts);
  return {
    resources: { ...services.resources },
    tasks: { ...services.tasks },
    queries: { ...services.queries },
  };
}
