import { countOf } from '@hauban/shared/actions';
import type { RunChange, RunDetail, RunPage, RunRow } from '@hauban/shared/api';
import type { Command } from 'commander';
import type { ApiClient } from '../api-client.ts';
import { CliError } from '../cli-error.ts';
import { print, type Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { findNode } from '../find-node.ts';
import { followRun } from '../follow-run.ts';
import { plainLine } from '../plain-text.ts';
import { countsText } from '../run-words.ts';
import { showRun } from '../show-run.ts';
import { addStrategyOptions, parseStrategy, type StrategyOptions } from '../strategy-options.ts';
import { localTime, renderTable } from '../terminal.ts';

interface ListOptions {
  readonly action?: string;
  readonly node?: string;
  readonly by?: string;
  readonly state?: string;
  readonly search?: string;
  readonly limit: string;
  readonly json?: boolean;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;
/** Among so many of the newest runs the beginning of an id is looked for. */
const LOOKED_THROUGH = 200;

/** Id of a run, given whole or by its beginning. */
async function findRun(api: ApiClient, wanted: string): Promise<string> {
  if (UUID.test(wanted)) return wanted;
  const { runs } = await api.get<RunPage>('/api/runs', { limit: LOOKED_THROUGH });
  const found = wanted === '' ? [] : runs.filter(({ id }) => id.startsWith(wanted));
  const [only] = found;
  if (only === undefined)
    throw new CliError(
      EXIT.notFound,
      'NOT_FOUND',
      `There is no run "${plainLine(wanted)}": "hauban runs list" lists them.`,
    );
  if (found.length > 1)
    throw new CliError(EXIT.usage, 'AMBIGUOUS', `"${wanted}" fits ${found.length} runs: give more of the id.`);
  return only.id;
}

const readRun = async (api: ApiClient, wanted: string): Promise<RunDetail> =>
  api.get<RunDetail>(`/api/runs/${await findRun(api, wanted)}`);

function runTable(runs: readonly RunRow[]): string {
  if (runs.length === 0) return 'No run fits.';
  const rows = runs.map((run) => [
    run.id,
    localTime(run.createdAt),
    run.action + (run.steps.length > 1 ? ` and ${run.steps.length - 1} more` : ''),
    run.mode,
    run.on ?? countOf(run.nodeCount, 'node'),
    run.requester,
    run.state,
    countsText(run.counts),
  ]);
  return renderTable(['RUN', 'STARTED', 'ACTION', 'MODE', 'ON', 'BY', 'STATE', 'OUTCOMES'], rows);
}

function addReading(runs: Command, context: Context): void {
  runs
    .command('list', { isDefault: true })
    .description('Runs, newest first')
    .option('--action <name>', 'only of this action')
    .option('--node <node>', 'only those that had this node')
    .option('--by <name>', 'only of this person')
    .option('--state <state>', 'running, paused, stopped, cancelled or finished')
    .option('--search <text>', 'in reason, action, arguments and selector')
    .option('--limit <n>', 'how many', '50')
    .option('--json', 'for programs')
    .action(async (options: ListOptions) => {
      const api = context.api();
      const page = await api.get<RunPage>('/api/runs', {
        action: options.action,
        nodeId: options.node === undefined ? undefined : (await findNode(api, options.node)).id,
        requester: options.by,
        state: options.state,
        text: options.search,
        limit: options.limit,
      });
      print(context, options.json === true, page.runs, () => runTable(page.runs));
    });
  runs
    .command('show')
    .argument('<run>', 'id, or its beginning')
    .description('A run as it stands: outcomes, failures by cause')
    .option('--json', 'for programs; with every node')
    .action(async (wanted: string, options: { json?: boolean }) => {
      const api = context.api();
      await showRun(context, api, await readRun(api, wanted), options.json === true);
    });
  runs
    .command('watch')
    .argument('<run>', 'id, or its beginning')
    .description('Follow a run until its end; Ctrl-C leaves it running')
    .option('--json', 'for programs')
    .action(async (wanted: string, options: { json?: boolean }) => {
      const api = context.api();
      const now = await readRun(api, wanted);
      const done = now.finishedAt === null ? await followRun(context, api, now) : now;
      await showRun(context, api, done, options.json === true);
    });
}

const changeText = ({ run, cancelled, underWay }: RunChange): string =>
  [
    `${run.state}: ${countsText(run.counts)}`,
    ...(cancelled > 0 ? [`${cancelled} order(s) will not go out.`] : []),
    ...(underWay > 0 ? [`${underWay} order(s) are with their nodes, which end them.`] : []),
  ].join('\n');

const CHANGES = [
  ['cancel', 'Take back what has not gone out; what a node has, the node ends'],
  ['pause', 'Make no further orders; those that are made go on'],
  ['resume', 'Go on with a paused run'],
  ['undo', 'Stop it, and take back what succeeded; also of a run that is over'],
] as const;

function addChanges(runs: Command, context: Context): void {
  for (const [verb, says] of CHANGES)
    runs
      .command(verb)
      .argument('<run>', 'id, or its beginning')
      .description(says)
      .option('--why <text>', 'for the audit log')
      .option('--json', 'for programs')
      .action(async (wanted: string, options: { why?: string; json?: boolean }) => {
        const api = context.api();
        const body = options.why === undefined ? {} : { reason: options.why };
        const change = await api.post<RunChange>(`/api/runs/${await findRun(api, wanted)}/${verb}`, body);
        print(context, options.json === true, change, () => changeText(change));
      });
}

interface RetryOptions extends StrategyOptions {
  readonly unfinished?: boolean;
  readonly why?: string;
  readonly idempotencyKey?: string;
  readonly json?: boolean;
}

function addRetry(runs: Command, context: Context): void {
  addStrategyOptions(
    runs
      .command('retry')
      .argument('<run>', 'id, or its beginning')
      .description('A new run of the same content on the nodes that did not end well'),
  )
    .option('--unfinished', 'and on those that were cancelled')
    .option('--why <text>', 'for the audit log; else that of the run')
    .option('--idempotency-key <key>', 'the same key is the same run, however often it is sent')
    .option('--json', 'for programs')
    .action(async (wanted: string, options: RetryOptions) => {
      const api = context.api();
      const strategy = parseStrategy(options);
      const again = await api.post<RunDetail>(`/api/runs/${await findRun(api, wanted)}/retry`, {
        what: options.unfinished === true ? 'unfinished' : 'failed',
        ...(strategy === undefined ? {} : { strategy }),
        ...(options.why === undefined ? {} : { reason: options.why }),
        ...(options.idempotencyKey === undefined ? {} : { idempotencyKey: options.idempotencyKey }),
      });
      const done = again.finishedAt === null ? await followRun(context, api, again) : again;
      await showRun(context, api, done, options.json === true);
    });
}

export function addRuns(program: Command, context: Context): void {
  const runs = program.command('runs').description('Runs: what was planned and done, by whom');
  addReading(runs, context);
  addChanges(runs, context);
  addRetry(runs, context);
}
