import type { ActionRow, MergedPlan, RunDetail, RunRequest } from '@hauban/shared/api';
import type { Command } from 'commander';
import type { ApiClient } from '../api-client.ts';
import { describeArguments, parseArguments, type ArgumentSchema } from '../arguments.ts';
import { chooseNodes, type ChosenNodes } from '../choose-nodes.ts';
import { CliError } from '../cli-error.ts';
import { print, type Context } from '../context.ts';
import { EXIT, exitForStates } from '../exit-codes.ts';
import { followRun } from '../follow-run.ts';
import { renderMergedPlan, showRun } from '../show-run.ts';
import { addStrategyOptions, parseDuration, parseStrategy, type StrategyOptions } from '../strategy-options.ts';
import { renderTable } from '../terminal.ts';

interface RunOptions extends StrategyOptions {
  readonly on: string;
  readonly plan?: boolean;
  readonly why?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly idempotencyKey?: string;
  readonly supersedeKey?: string;
  readonly startWithin?: string;
  readonly detach?: boolean;
  readonly overrideWindows?: boolean;
}

/** What was typed, checked. */
interface Wanted {
  readonly api: ApiClient;
  readonly action: ActionRow;
  readonly chosen: ChosenNodes;
  readonly args: Record<string, unknown>;
}

async function findAction(api: ApiClient, name: string): Promise<ActionRow> {
  const actions = await api.get<ActionRow[]>('/api/actions');
  const action = actions.find((row) => row.name === name);
  if (action === undefined)
    throw new CliError(EXIT.notFound, 'ACTION_UNKNOWN', `There is no action "${name}": "hauban actions" lists them.`);
  return action;
}

async function prepare(context: Context, name: string, words: readonly string[], on: string): Promise<Wanted> {
  const api = context.api();
  const action = await findAction(api, name);
  const args = parseArguments(name, action.args as ArgumentSchema, words);
  return { api, action, chosen: await chooseNodes(api, on, [name]), args };
}

/** How it goes over the nodes, as it was typed. Read before anything is asked: what is mistyped is told at once. */
function howOf(options: RunOptions): Pick<RunRequest, 'strategy' | 'startWithinMs'> {
  const strategy = parseStrategy(options);
  const { startWithin } = options;
  return {
    ...(strategy === undefined ? {} : { strategy }),
    ...(startWithin === undefined ? {} : { startWithinMs: parseDuration('--start-within', startWithin) }),
  };
}

async function makePlan(
  context: Context,
  { api, action, chosen, args }: Wanted,
): Promise<{ readonly run: RunDetail; readonly merged: MergedPlan }> {
  const request: RunRequest = { action: action.name, args, ...chosen.where, mode: 'plan' };
  const run = await followRun(context, api, await api.post<RunDetail>('/api/runs', request));
  return { run, merged: await api.get<MergedPlan>(`/api/runs/${run.id}/plan`) };
}

async function plan(context: Context, wanted: Wanted, options: RunOptions): Promise<void> {
  const { run, merged } = await makePlan(context, wanted);
  print(context, options.json === true, { ...run, plan: merged }, () => renderMergedPlan(merged));
  process.exitCode = exitForStates(Object.keys(run.counts));
}

/**
 * Shows the plan and asks. The answer is the part of the request that binds the run to what was seen; null: there is
 * nothing to do.
 */
async function confirm(
  context: Context,
  wanted: Wanted,
): Promise<Pick<RunRequest, 'planHash' | 'confirms' | 'args'> | null> {
  if (!context.terminal.isInteractive)
    throw new CliError(
      EXIT.usage,
      'BAD_REQUEST',
      'There is no terminal to confirm the plan on: use --yes, or --plan first.',
    );
  const { run, merged } = await makePlan(context, wanted);
  context.terminal.out(renderMergedPlan(merged));
  const able = merged.groups.filter(({ kind }) => kind === 'changes');
  if (able.length === 0) {
    const worst = exitForStates(Object.keys(run.counts));
    if (worst !== EXIT.ok) throw new CliError(worst, 'ACTION_REFUSED', 'Nothing was changed.');
    return null;
  }
  const count = able.reduce((sum, group) => sum + group.count, 0);
  const answer = await context.terminal.ask(
    `Run this on ${run.nodeCount === 1 ? 'this node' : `${count} of ${run.nodeCount} nodes`}? [y/N] `,
  );
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError(EXIT.failed, 'CANCELLED', 'Nothing was changed.');
  const [only] = able;
  // The arguments as planned: what the controller filled in (a new uid) is part of the confirmed plan.
  if (run.nodeCount === 1 && only !== undefined && only.hash !== null) return { args: run.args, planHash: only.hash };
  return { args: run.args, confirms: { run: run.id } };
}

async function run(
  context: Context,
  wanted: Wanted,
  options: RunOptions,
  how: ReturnType<typeof howOf>,
): Promise<void> {
  const { api, action, chosen } = wanted;
  const confirmed = options.yes === true || action.readOnly ? { args: wanted.args } : await confirm(context, wanted);
  if (confirmed === null) return;
  const request: RunRequest = {
    action: action.name,
    ...chosen.where,
    mode: 'apply',
    ...confirmed,
    ...how,
    ...(options.overrideWindows === true ? { overrideWindows: true } : {}),
    ...(options.why === undefined ? {} : { reason: options.why }),
    ...(options.supersedeKey === undefined ? {} : { supersedeKey: options.supersedeKey }),
    ...(options.idempotencyKey === undefined ? {} : { idempotencyKey: options.idempotencyKey }),
  };
  const started = await api.post<RunDetail>('/api/runs', request);
  if (options.detach === true) {
    print(
      context,
      options.json === true,
      started,
      () => `${started.id}\nFollow it with: hauban runs watch ${started.id}`,
    );
    return;
  }
  const done = started.finishedAt === null ? await followRun(context, api, started) : started;
  await showRun(context, api, done, options.json === true);
}

function actionSheet(action: ActionRow): string {
  const table = describeArguments(action.args as ArgumentSchema, action.filledIn);
  return `${action.title}\n\n${action.docs}\n\n${renderTable(['ARGUMENT', 'TYPE', '', 'MEANING'], table)}`;
}

function addActions(program: Command, context: Context): void {
  program
    .command('actions')
    .argument('[action]', 'show the arguments of this one')
    .description('List the actions, or the arguments of one')
    .option('--json', 'for programs')
    .action(async (name: string | undefined, options: { json?: boolean }) => {
      const api = context.api();
      if (name !== undefined) {
        const action = await findAction(api, name);
        print(context, options.json === true, action, () => actionSheet(action));
        return;
      }
      const actions = await api.get<ActionRow[]>('/api/actions');
      print(context, options.json === true, actions, () =>
        renderTable(
          ['ACTION', 'RISK', 'TITLE'],
          actions.map((row) => [row.name, row.risk, row.title]),
        ),
      );
    });
}

const EXAMPLE = `
Example: hauban run php.switch-version --on 'role=web' --account w4a100010 --to 8.4 --canary 1 --waves 10%
`;
const EXITS = `
Exit status: 0 done on every node, or nothing to do; 1 failed or unhealthy on at least one; 2 the command line is not
right; 3 not allowed; 4 no such node, action or run; 5 a node refused; 6 not reached, expired or cancelled; 7 not known
on at least one node; 130 left by Ctrl-C, the run goes on.`;

const command = (program: Command, verb: string, says: string): Command =>
  program
    .command(verb)
    .description(says)
    .argument('<action>', 'name of the action')
    .argument(
      '[arguments...]',
      "the action's own arguments, as --name value (see: hauban actions ACTION); after -- none is taken for an option of this command",
    )
    .requiredOption('--on <nodes>', "host names or ids, separated by commas, or a selector: 'role=web and php<8.2'")
    .option('--json', 'for programs')
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', EXITS);

export function addRun(program: Command, context: Context): void {
  addActions(program, context);
  command(program, 'plan', 'Show what an action would change; changes nothing').action(
    async (name: string, words: string[], options: RunOptions) =>
      plan(context, await prepare(context, name, words, options.on), options),
  );
  addStrategyOptions(command(program, 'run', 'Run an action on nodes: plan, confirm, apply wave by wave, verify'))
    .addHelpText('after', EXAMPLE)
    .option('--plan', 'only show the plan')
    .option('--yes', 'do not ask')
    .option('--detach', 'do not wait for the end')
    .option('--why <text>', 'for the audit log (an action may have a reason of its own)')
    .option('--override-windows', 'do not wait for maintenance windows: takes a right of its own, and --why')
    .option('--start-within <time>', 'how long nodes that are away may take to start it (default 60s)')
    .option('--supersede-key <key>', 'takes the place of what is still queued by the same key')
    .option('--idempotency-key <key>', 'the same key is the same run, however often it is sent')
    .action(async (name: string, words: string[], options: RunOptions) => {
      const how = howOf(options);
      const wanted = await prepare(context, name, words, options.on);
      if (options.plan === true) await plan(context, wanted, options);
      else await run(context, wanted, options, how);
    });
}
