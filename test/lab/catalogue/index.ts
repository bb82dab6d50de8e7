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
import { ACTIONS } from '@hauban/shared/actions';
import { BALANCER } from './balancer.ts';
import { DATABASES } from './databases.ts';
import { HOSTING } from './hosting.ts';
import { MACHINE } from './machine.ts';
import { MAIL, NEW_MAIL } from './mail.ts';
import { STORAGE } from './storage.ts';
import type { Family } from './scenario.ts';

export const FAMILIES: readonly Family[] = [PLAIN, BALANCER, MAIL, NEW_MAIL, STORAGE, DATABASES, HOSTING, MACHINE];

/** Actions that have no scenario, and where they are proven instead. */
export const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['apache.reload', 'apache-reload.test.ts: it needs files that were edited by hand'],
  ['firewall.import', 'foreign-bans.test.ts: it needs fail2ban with bans of its own'],
  ['firewall.set-list', 'ban lists are proven with the pools that hold them'],
  ['firewall.ban-attackers', 'firewall-attackers.test.ts: it needs logs with an attack in them'],
  ...['make-jail', 'remove-jail'].map((verb): [string, string] => [
    `account.${verb}`,
    'account-jail.test.ts: it copies programs of the machine',
  ]),
  ...[...ACTIONS.keys()]
    .filter((name) => name.startsWith('guest.'))
    .map((name): [string, string] => [name, 'hypervisor.test.ts: it needs libvirt with a guest']),
]);
