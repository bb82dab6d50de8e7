import type { ActionsService } from './actions/actions.service.ts';
import type { Shared } from './compose-people.ts';
import type { Database } from './db/index.ts';
import { createDueSchedules, type DueParts } from './schedules/due-schedules.service.ts';
import { createSchedulesRepository } from './schedules/schedules.repository.ts';
import { createSchedulesService } from './schedules/schedules.service.ts';

export interface ScheduleNeeds extends Pick<DueParts, 'runs' | 'targets' | 'rightsOf'> {
  readonly actions: ActionsService;
}

/** Runs that start again and again. */
export function createSchedules(shared: Shared, database: Database, needs: ScheduleNeeds) {
  const base = { ...shared, ...needs, schedules: createSchedulesRepository(database) };
  return { schedules: createSchedulesService(base), dueSchedules: createDueSchedules(base) };
}
