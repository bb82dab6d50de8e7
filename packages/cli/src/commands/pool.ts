import type { DriftRow, PoolDetail, PoolRow, PoolWorkRequest, PoolWorkRow } from '@hauban/shared/api';
import type { Command } from 'commander';
import type { ApiClient } from '../api-client.ts';
import { CliError } from '../cli-error.ts';
import { confirm } from '../confirm.ts';
import { print, type Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { findMember, findPool } from '../find-pool.ts';
import { followPoolWork } from '../follow-pool-work.ts';
import { plainLine } from '../plain-text.ts';
import { driftText, poolTable, renderPool, workText } from '../show-pool.ts';

interface Chosen {
  readonly on?: string;
  readonly json?: boolean;
}

interface DriftOptions extends Chosen {
  readonly all?: boolean;
  readonly now?: boolean;
}

interface WorkOptions extends Chosen {
  readonly why?: string;
  readonly yes?: boolean;
  readonly detach?: boolean;
}

const INSTEAD = 'use --yes, or look at it first with: hauban pool drift';
/** So much of a difference's name has to be given. */
const LEAST_NAMED = 8;

const readPool = async (api: ApiClient, wanted: string): Promise<PoolDetail> =>
  api.get<PoolDetail>(`/api/pools/${(await findPool(api, wanted)).id}`);

const readDrift = async (api: ApiClient, pool: PoolDetail): Promise<readonly DriftRow[]> =>
  api.get<DriftRow[]>(`/api/pools/${pool.id}/drift`);

/** Ids of the nodes that are meant; null: all of the pool. */
function chosenNodes(pool: PoolDetail, on: string | undefined): readonly string[] | null {
  if (on === undefined) return null;
  const names = on.split(',').map((name) => name.trim());
  return [...new Set(names.map((name) => findMember(pool.members, name).nodeId))];
}

const ofNodes = (rows: readonly DriftRow[], nodes: readonly string[] | null): readonly DriftRow[] =>
  rows.filter(({ nodeId }) => nodes === null || nodes.includes(nodeId));

/** Begins it and waits for its end, unless it shall be left alone. */
async function work(
  context: Context,
  api: ApiClient,
  pool: PoolDetail,
  request: PoolWorkRequest,
  options: WorkOptions,
): Promise<void> {
  const sent = { ...request, ...(options.why === undefined ? {} : { reason: options.why }) };
  const begun = await api.post<PoolWorkRow[]>(`/api/pools/${pool.id}/work`, sent);
  const done = options.detach === true ? begun : await followPoolWork(context, api, pool, begun);
  print(context, options.json === true, done, () => workText(done, pool));
  if (done.some(({ isWell }) => isWell === false)) process.exitCode = EXIT.failed;
}

async function drift(context: Context, wanted: string, options: DriftOptions): Promise<void> {
  const api = context.api();
  const pool = await readPool(api, wanted);
  const nodes = chosenNodes(pool, options.on);
  if (options.now === true) {
    const only = nodes === null ? {} : { only: [...nodes] };
    const body: PoolWorkRequest = { kind: 'compare', ...only };
    await followPoolWork(context, api, pool, await api.post<PoolWorkRow[]>(`/api/pools/${pool.id}/work`, body));
  }
  const rows = ofNodes(await readDrift(api, pool), nodes);
  print(context, options.json === true, rows, () => driftText(rows, options.all === true));
}

async function repair(context: Context, wanted: string, options: WorkOptions): Promise<void> {
  const api = context.api();
  const pool = await readPool(api, wanted);
  const seen = ofNodes(await readDrift(api, pool), chosenNodes(pool, options.on));
  const rows = seen.filter(({ state, adoptedAt }) => state === 'differs' && adoptedAt === null);
  const only = [...new Set(rows.map(({ nodeId }) => nodeId))];
  if (only.length === 0) {
    const blocked = seen.some(({ state, adoptedAt }) => state === 'blocked' && adoptedAt === null);
    if (blocked) process.exitCode = EXIT.refused;
    const says = blocked ? 'What differs is blocked: see hauban pool drift.' : 'Nothing is to be put right.';
    return print(context, options.json === true, [], () => says);
  }
  if (options.yes !== true) {
    context.terminal.out(driftText(rows, false));
    await confirm(context, `Put this right on ${only.length === 1 ? 'this node' : `${only.length} nodes`}?`, INSTEAD);
  }
  return work(context, api, pool, { kind: 'repair', only }, options);
}

/** One difference by the beginning of its name; of what several nodes have alike, `--on` says whose. */
function namedDrift(rows: readonly DriftRow[], wanted: string): DriftRow {
  const isName = new RegExp(`^[0-9a-f]{${LEAST_NAMED},64}$`).test(wanted);
  const found = isName ? rows.filter(({ hash }) => hash.startsWith(wanted)) : [];
  const [only] = found;
  if (only === undefined)
    throw new CliError(
      EXIT.notFound,
      'NOT_FOUND',
      `There is no difference "${plainLine(wanted)}": "hauban pool drift" names each by ${LEAST_NAMED} or more digits.`,
    );
  if (found.length > 1) {
    const hosts = found.slice(0, 5).map(({ hostName }) => plainLine(hostName));
    const says = `"${wanted}" fits ${found.length} differences (${hosts.join(', ')}): say whose with --on.`;
    throw new CliError(EXIT.usage, 'AMBIGUOUS', says);
  }
  return only;
}

async function adopt(context: Context, wanted: string, name: string, options: WorkOptions): Promise<void> {
  const api = context.api();
  const pool = await readPool(api, wanted);
  const row = namedDrift(ofNodes(await readDrift(api, pool), chosenNodes(pool, options.on)), name);
  if (options.yes !== true) {
    context.terminal.out(driftText([row], true));
    await confirm(context, 'Let it differ, as long as it stays exactly as it is?', INSTEAD);
  }
  const { nodeId, itemId, hash } = row;
  await api.post(`/api/pools/${pool.id}/adopt`, { nodeId, itemId, hash });
  print(context, options.json === true, row, () => `Adopted for ${plainLine(row.hostName)}.`);
}

async function join(context: Context, wanted: string, hosts: readonly string[], options: WorkOptions): Promise<void> {
  const api = context.api();
  const pool = await readPool(api, wanted);
  const only = [...new Set(hosts.map((host) => findMember(pool.members, host).nodeId))];
  if (options.yes !== true) {
    const what = pool.items.length === 1 ? 'the one wish' : `all ${pool.items.length} wishes`;
    await confirm(context, `Bring ${what} to ${only.length === 1 ? 'this node' : `${only.length} nodes`}?`, INSTEAD);
  }
  await work(context, api, pool, { kind: 'join', only }, options);
}

function addReading(pool: Command, context: Context): void {
  pool
    .command('list', { isDefault: true })
    .description('Pools of which you may read every node')
    .option('--json', 'for programs')
    .action(async (options: Chosen) => {
      const rows = await context.api().get<PoolRow[]>('/api/pools');
      print(context, options.json === true, rows, () => poolTable(rows));
    });
  pool
    .command('show')
    .argument('<pool>', 'name or id')
    .description('Its nodes and how they stand, and what is wished of them')
    .option('--json', 'for programs')
    .action(async (wanted: string, options: Chosen) => {
      const found = await readPool(context.api(), wanted);
      print(context, options.json === true, found, () => renderPool(found));
    });
  pool
    .command('drift')
    .argument('<pool>', 'name or id')
    .description('How its nodes differ from what is wished: - is what is there, + what is wished')
    .option('--on <nodes>', 'only of these, by host name or id, separated by commas')
    .option('--all', 'what was adopted, too')
    .option('--now', 'compare the nodes first')
    .option('--json', 'for programs; all of it')
    .action((wanted: string, options: DriftOptions) => drift(context, wanted, options));
}

const addWorking = (command: Command): Command =>
  command
    .option('--yes', 'do not ask')
    .option('--why <text>', 'for the audit log')
    .option('--detach', 'do not wait for the end')
    .option('--json', 'for programs');

export function addPool(program: Command, context: Context): void {
  const pool = program.command('pool').description('Nodes that shall all be alike, and how they differ');
  addReading(pool, context);
  addWorking(
    pool
      .command('repair')
      .argument('<pool>', 'name or id')
      .description('Put right what differs and was not adopted')
      .option('--on <nodes>', 'only on these, by host name or id, separated by commas'),
  ).action((wanted: string, options: WorkOptions) => repair(context, wanted, options));
  pool
    .command('adopt')
    .argument('<pool>', 'name or id')
    .argument('<difference>', 'as "hauban pool drift" names it, or its beginning')
    .description('Say that a difference is meant to be, as long as it stays exactly as it is')
    .option('--on <node>', 'whose, when several nodes differ alike')
    .option('--yes', 'do not ask')
    .option('--json', 'for programs')
    .action((wanted: string, name: string, options: WorkOptions) => adopt(context, wanted, name, options));
  addWorking(
    pool
      .command('join')
      .argument('<pool>', 'name or id')
      .argument('<nodes...>', 'host names or ids')
      .description(
        'Bring all that is wished to nodes that are new or were away for long, and look whether it is there',
      ),
  ).action((wanted: string, hosts: string[], options: WorkOptions) => join(context, wanted, hosts, options));
}
