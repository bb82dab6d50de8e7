import type { BanListChange, BanListEntry, BanListEntryPage, BanListRow } from '@hauban/shared/api';
import type { Command } from 'commander';
import type { ApiClient } from './api-client.ts';
import { CliError } from './cli-error.ts';
import { confirm } from './confirm.ts';
import { print, type Context } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { findPool } from './find-pool.ts';
import { listTargets } from './list-targets.ts';
import { plainLine } from './plain-text.ts';
import { parseDuration } from './strategy-options.ts';
import { localTime, renderTable } from './terminal.ts';

interface Chosen {
  readonly json?: boolean;
}
interface ChangeOptions extends Chosen {
  readonly from?: string;
  readonly for?: string;
  readonly reason?: string;
  readonly replace?: boolean;
  readonly plan?: boolean;
  readonly yes?: boolean;
}
interface ShowOptions extends Chosen {
  readonly holds?: string;
}

/** Entries of one page, and shown at most. */
const PAGE = 1000;
const MOST_SHOWN = 10_000;
const INSTEAD = 'use --yes, or look at it first with --plan';

async function findList(api: ApiClient, wanted: string): Promise<BanListRow> {
  const found = (await api.get<BanListRow[]>('/api/ban-lists')).find(
    ({ name, id }) => name === wanted || id === wanted,
  );
  if (found !== undefined) return found;
  const says = `There is no ban list "${plainLine(wanted)}" that you may read: "hauban ban list" lists them.`;
  throw new CliError(EXIT.notFound, 'NOT_FOUND', says);
}

const poolsOf = ({ pools }: BanListRow): string => pools.map(({ name }) => plainLine(name)).join(', ') || '-';

const listTable = (rows: readonly BanListRow[]): string =>
  rows.length === 0
    ? 'There is no ban list.'
    : renderTable(
        ['LIST', 'ENTRIES', 'POOLS'],
        rows.map((row) => [plainLine(row.name), String(row.entryCount), poolsOf(row)]),
      );

const entryTable = (entries: readonly BanListEntry[]): string =>
  entries.length === 0
    ? 'Nothing is listed.'
    : renderTable(
        ['TARGET', 'UNTIL', 'WHY', 'SINCE', 'BY'],
        entries.map(({ target, until, reason, addedAt, addedBy }) =>
          [target, localTime(until, 'taken off'), reason, localTime(addedAt, '-'), addedBy].map(plainLine),
        ),
      );

async function readEntries(
  api: ApiClient,
  { id }: BanListRow,
  holds: string | undefined,
): Promise<readonly BanListEntry[]> {
  const path = `/api/ban-lists/${id}/entries`;
  const entries: BanListEntry[] = [];
  let after: string | undefined;
  do {
    const page: BanListEntryPage = await api.get(path, { limit: PAGE, after, holds });
    entries.push(...page.entries);
    after = page.next ?? undefined;
  } while (after !== undefined && entries.length < MOST_SHOWN);
  return entries;
}

const named = (sign: string, targets: readonly string[], count: number): readonly string[] => [
  ...targets.map((target) => `${sign} ${plainLine(target)}`),
  ...(count > targets.length ? [`${sign} and ${count - targets.length} more`] : []),
];

function changeText({ added, changed, removed, addedTargets, removedTargets, entryCount }: BanListChange): string {
  return [
    ...named('+', addedTargets, added),
    ...named('-', removedTargets, removed),
    `${added} added, ${changed} changed, ${removed} taken off; ${entryCount} on the list then.`,
  ].join('\n');
}

/** Shows what would change, asks, and does it. */
async function change(context: Context, path: string, body: object, options: ChangeOptions): Promise<void> {
  const api = context.api();
  const isJson = options.json === true;
  if (options.plan === true || options.yes !== true) {
    const planned = await api.post<BanListChange>(path, { ...body, plan: true });
    if (options.plan === true) return print(context, isJson, planned, () => changeText(planned));
    context.terminal.out(changeText(planned));
    await confirm(context, 'Change the list, and with it every node of its pools?', INSTEAD);
  }
  const done = await api.post<BanListChange>(path, body);
  return print(context, isJson, done, () => changeText(done));
}

const addChanging = (command: Command): Command =>
  command
    .argument('<list>', 'name or id')
    .argument('[targets...]', 'addresses and prefixes')
    .option('--from <file>', 'a file with one a line, # and ; begin remarks; - is standard input')
    .option('--plan', 'only say what would change')
    .option('--yes', 'do not ask')
    .option('--json', 'for programs');

/** Where it is no more, what it banned is lifted: who leaves a pool out is told which. */
function addPools(group: Command, context: Context): void {
  group
    .command('pools')
    .argument('<list>', 'name or id')
    .argument('[pools...]', 'names or ids of the pools whose nodes have it from now on; none: no node has it')
    .description('Say which pools have it; where it is no more, what it banned is lifted')
    .option('--yes', 'do not ask')
    .option('--json', 'for programs')
    .action(async (wanted: string, pools: readonly string[], options: ChangeOptions) => {
      const api = context.api();
      const list = await findList(api, wanted);
      const chosen = await Promise.all(pools.map((pool) => findPool(api, pool)));
      const ids = new Set(chosen.map(({ id }) => id));
      const before = new Set(list.pools.map(({ id }) => id));
      const gone = list.pools.filter(({ id }) => !ids.has(id)).map(({ name }) => `- ${plainLine(name)}`);
      const fresh = chosen.filter(({ id }) => !before.has(id)).map(({ name }) => `+ ${plainLine(name)}`);
      if (options.yes !== true) {
        context.terminal.out([...fresh, ...gone].join('\n') || 'These pools have it already.');
        await confirm(context, `Change which nodes have its ${list.entryCount} entries?`, 'use --yes');
      }
      const changed = await api.put<BanListRow>(`/api/ban-lists/${list.id}/pools`, { pools: [...ids] });
      print(context, options.json === true, changed, () => `Changed. Pools: ${poolsOf(changed)}`);
    });
}

function addReading(group: Command, context: Context): void {
  group
    .command('all', { isDefault: true })
    .description('Ban lists of pools whose nodes you may read')
    .option('--json', 'for programs')
    .action(async (options: Chosen) => {
      const rows = await context.api().get<BanListRow[]>('/api/ban-lists');
      print(context, options.json === true, rows, () => listTable(rows));
    });
  group
    .command('show')
    .argument('<list>', 'name or id')
    .description('What is on it')
    .option('--holds <address>', 'only what this address lies in, or what lies in this prefix')
    .option('--json', 'for programs')
    .action(async (wanted: string, options: ShowOptions) => {
      const api = context.api();
      const entries = await readEntries(api, await findList(api, wanted), options.holds);
      print(context, options.json === true, entries, () => entryTable(entries));
    });
}

export function addBanList(ban: Command, context: Context): void {
  const group = ban.command('list').description('Lists of what all nodes of some pools ban');
  addReading(group, context);
  group
    .command('make')
    .argument('<name>', 'lower-case letters, digits and -')
    .argument('[pools...]', 'names or ids of the pools whose nodes get it')
    .description('Make a list')
    .action(async (name: string, pools: readonly string[]) => {
      const api = context.api();
      const ids = await Promise.all(pools.map(async (pool) => (await findPool(api, pool)).id));
      const made = await api.post<BanListRow>('/api/ban-lists', { name, pools: ids });
      context.terminal.out(`Made. Pools: ${poolsOf(made)}`);
    });
  addPools(group, context);
  addChanging(
    group
      .command('add')
      .description('Ban on every node of its pools, and on those that join or come back')
      .option('--for <time>', 'until then, such as 12h; left out: until taken off')
      .option('--reason <why>', 'manual, bruteforce, scan, abuse or xmlrpc')
      .option('--replace', 'these are the whole list from now on'),
  ).action(async (wanted: string, targets: readonly string[], options: ChangeOptions) => {
    const body = {
      targets: await listTargets(targets, options),
      ...(options.for === undefined ? {} : { durationS: Math.round(parseDuration('--for', options.for) / 1000) }),
      ...(options.reason === undefined ? {} : { reason: options.reason }),
      ...(options.replace === true ? { replace: true } : {}),
    };
    const { id } = await findList(context.api(), wanted);
    await change(context, `/api/ban-lists/${id}/entries`, body, options);
  });
  addChanging(group.command('remove').description('Take off; lifted on every node of its pools')).action(
    async (wanted: string, targets: readonly string[], options: ChangeOptions) => {
      const body = { targets: await listTargets(targets, options) };
      const { id } = await findList(context.api(), wanted);
      await change(context, `/api/ban-lists/${id}/removals`, body, options);
    },
  );
  group
    .command('delete')
    .argument('<list>', 'name or id')
    .description('Delete the list; what it banned is lifted')
    .option('--yes', 'do not ask')
    .action(async (wanted: string, options: ChangeOptions) => {
      const api = context.api();
      const { id, entryCount } = await findList(api, wanted);
      if (options.yes !== true) await confirm(context, `Delete it with its ${entryCount} entries?`, 'use --yes');
      await api.delete(`/api/ban-lists/${id}`);
      context.terminal.out('Deleted.');
    });
}
