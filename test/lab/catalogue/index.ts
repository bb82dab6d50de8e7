/**
 * The property proof over every action: each on a real node with seeded random arguments, looked at from outside. A
 * scenario says how valid arguments are made for what is on the node; everything else is general (`check-case.ts`).
 *
 * To add an action: one entry in the scenarios of its family's file, and, when its plan holds a resource or a task
 * that no other one does, one line in `resources` or `tasks` there, which says what that is on the machine. A family of
 * its own is a file with a stand, and one line here. An action of the catalogue that has no scenario fails the test by
 * its name.
 */
import { PLAIN } from './plain.ts';
import { BALANCER } from './balancer.ts';
import { DATABASES } from './databases.ts';
import { HOSTING } from './hosting.ts';
import { HYPERVISOR } from './hypervisor.ts';
import { MACHINE } from './machine.ts';
import { MAIL, NEW_MAIL } from './mail.ts';
import { PROTECTION } from './protection.ts';
import { STORAGE } from './storage.ts';
import type { Family } from './scenario.ts';

export const FAMILIES: readonly Family[] = [
  PLAIN,
  PROTECTION,
  BALANCER,
  MAIL,
  NEW_MAIL,
  STORAGE,
  DATABASES,
  HOSTING,
  MACHINE,
  HYPERVISOR,
];

/** Actions that have no scenario, and where they are proven instead. */
export const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  [
    'guest.migrate',
    'hypervisor-migrate.test.ts: it needs two hypervisors, and nobody takes it back; there it is planned, made, killed and made again',
  ],
]);
