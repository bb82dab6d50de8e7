import type { Offboarded, PersonRow } from '@hauban/shared/api';
import type { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { print, type Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { plainLine } from '../plain-text.ts';
import { localTime, renderTable } from '../terminal.ts';

function peopleTable(people: readonly PersonRow[]): string {
  return renderTable(
    ['NAME', 'ROLE', 'STATE', 'SIGNS IN WITH', 'SESSIONS', 'TOKENS', 'LAST SEEN'],
    people.map((person) => [
      person.name,
      person.role,
      person.state,
      [person.passkeys === 0 ? '' : `${person.passkeys} passkey(s)`, person.hasPassword ? 'password' : '']
        .filter((way) => way !== '')
        .join(', '),
      String(person.sessions),
      String(person.tokens),
      localTime(person.lastSeenAt),
    ]),
  );
}

/** What was ended, one line each, and what a person has to look after. */
export function renderOffboarded(done: Offboarded): string {
  const ended = done.shells.filter(({ state }) => state === 'ended');
  const waiting = done.shells.filter(({ state }) => state === 'waiting');
  const rows = [
    ['sessions', done.sessions],
    ['API tokens', done.tokens],
    ['passkeys', done.passkeys],
    ['invitations', done.invites],
    ['command lines being signed in', done.commandLines],
    ['open shells', ended.length],
    ['queued orders', done.ordersCancelled],
    ['pending approvals', done.approvals],
  ] as const;
  const lines = [
    `${plainLine(done.name)} is out. Ended:`,
    renderTable(
      ['WHAT', 'HOW MANY'],
      rows.map(([what, many]) => [what, String(many)]),
    ),
  ];
  for (const shell of waiting)
    lines.push(
      `The shell of ${plainLine(shell.user)} on ${plainLine(shell.hostName)} has not ended yet: it is ended as soon as the node answers.`,
    );
  if (done.ordersUnderWay > 0)
    lines.push(
      `${done.ordersUnderWay} order(s) were with their nodes already and cannot be called back; see the runs.`,
    );
  lines.push(...done.trust.map(plainLine));
  return lines.join('\n');
}

function findPerson(people: readonly PersonRow[], name: string): PersonRow {
  const person = people.find((each) => each.name === name);
  if (person === undefined)
    throw new CliError(
      EXIT.notFound,
      'NOT_FOUND',
      `There is no person called "${plainLine(name)}": see hauban people list.`,
    );
  return person;
}

export function addPeople(program: Command, context: Context): void {
  const people = program.command('people').description('People who may sign in (owners only)');
  people
    .command('list')
    .description('Who is here, and with which role')
    .option('--json', 'for programs')
    .action(async (options: { json?: boolean }) => {
      const rows = await context.api().get<PersonRow[]>('/api/people');
      print(context, options.json === true, rows, () => peopleTable(rows));
    });
  people
    .command('offboard')
    .argument('<name>', 'login name')
    .description('End everything this person can act by: sessions, tokens, shells, orders, keys, approvals')
    .option('--json', 'for programs')
    .action(async (name: string, options: { json?: boolean }) => {
      const api = context.api();
      const person = findPerson(await api.get<PersonRow[]>('/api/people'), name);
      const done = await api.post<Offboarded>(`/api/people/${person.id}/offboard`, {});
      print(context, options.json === true, done, () => renderOffboarded(done));
    });
}
