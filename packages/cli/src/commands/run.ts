import type { ActionRow, RunDetail, RunRequest } from '@hauban/shared/api';
import { SingleBar } from 'cli-progress';
import type { Command } from 'commander';
import type { ApiClient } from '../api-client.ts';
import { describeArguments, parseArguments, type ArgumentSchema } from '../arguments.ts';
import { CliError } from '../cli-error.ts';
import { print, type Context } from '../context.ts';
import { EXIT, exitForStates } from '../exit-codes.ts';
import { findNode } from '../find-node.ts';
import { renderOutcome, renderPlan } from '../show-plan.ts';
import { renderTable } from '../terminal.ts';

interface RunOptions {
  readonly on: string;
  readonly why?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly idempotencyKey?: string;
}

const POLL_MS = 20_000;

async function findAction(api: ApiClient, name: string): Promise<ActionRow> {
  const actions = await api.get<ActionRow[]>('/api/actions');
  const action = actions.find((row) => row.name === name);
  if (action === undefined)
    throw new CliError(EXIT.notFound, 'ACTION_UNKNOWN', `There is no action "${name}": "hauban actions" lists them.`);
  return action;
}

/** Starts a run and waits until every target has an outcome or its order has expired; a bar when there are many. */
async function runToEnd(
  api: ApiClient,
  request: RunRequest & { readonly nodes: readonly string[] },
  isInteractive: boolean,
): Promise<RunDetail> {
  const { id } = await api.post<{ id: string }>('/api/runs', request);
  const bar =
    isInteractive && request.nodes.length > 1
      ? new SingleBar({ format: '{bar} {value}/{total} nodes', stream: process.stderr })
      : null;
  bar?.start(request.nodes.length, 0);
  try {
    for (;;) {
      const run = await api.get<RunDetail>(`/api/runs/${id}`, { waitMs: POLL_MS });
      bar?.update(run.targets.filter((target) => target.finishedAt !== null).length);
      if (run.finishedAt !== null) return run;
    }
  } finally {
    bar?.stop();
  }
}

async function prepare(
  context: Context,
  name: string,
  words: readonly string[],
  on: string,
): Promise<{ api: ApiClient; action: ActionRow; nodes: string[]; args: Record<string, unknown> }> {
  const api = context.api();
  const action = await findAction(api, name);
  const args = parseArguments(name, action.args as ArgumentSchema, words);
  const nodes: string[] = [];
  for (const wanted of on.split(',').filter((part) => part !== '')) nodes.push((await findNode(api, wanted)).id);
  if (nodes.length === 0) throw new CliError(EXIT.usage, 'BAD_REQUEST', 'Say on which nodes: --on NAME[,NAME...].');
  return { api, action, nodes, args };
}

function showPlans(context: Context, run: RunDetail): void {
  for (const target of run.targets) {
    context.terminal.out(
      target.plan === null ? renderOutcome(target) : `${target.hostName}:\n${renderPlan(target.plan)}`,
    );
  }
}

async function plan(context: Context, name: string, words: readonly string[], options: RunOptions): Promise<void> {
  const { api, nodes, args } = await prepare(context, name, words, options.on);
  const run = await runToEnd(api, { action: name, args, nodes, mode: 'plan' }, context.terminal.isInteractive);
  if (options.json === true) print(context, true, run, () => '');
  else showPlans(context, run);
  process.exitCode = exitForStates(run.targets.map((target) => target.state));
}

async function run(context: Context, name: string, words: readonly string[], options: RunOptions): Promise<void> {
  const { api, action, nodes, args } = await prepare(context, name, words, options.on);
  let confirmed: Pick<RunRequest, 'planHash' | 'args'> = { args };
  if (options.yes !== true && !action.readOnly) {
    if (!context.terminal.isInteractive)
      throw new CliError(
        EXIT.usage,
        'BAD_REQUEST',
        'There is no terminal to confirm the plan on: use --yes, or "hauban plan" first.',
      );
    const planned = await runToEnd(api, { action: name, args, nodes, mode: 'plan' }, true);
    showPlans(context, planned);
    const worst = exitForStates(planned.targets.map((target) => target.state));
    if (worst !== EXIT.ok) throw new CliError(worst, 'ACTION_REFUSED', 'Nothing was changed.');
    if (planned.targets.every((target) => target.plan?.changes.length === 0)) return;
    const answer = await context.terminal.ask(
      `Run this on ${nodes.length === 1 ? 'this node' : `these ${nodes.length} nodes`}? [y/N] `,
    );
    if (!/^y(es)?$/i.test(answer.trim())) throw new CliError(EXIT.failed, 'CANCELLED', 'Nothing was changed.');
    const hash = planned.targets[0]?.plan?.hash;
    // The arguments as planned: what the controller filled in (a new uid) is part of the confirmed plan.
    confirmed = { args: planned.args, ...(nodes.length === 1 && hash !== undefined ? { planHash: hash } : {}) };
  }
  const done = await runToEnd(
    api,
    {
      action: name,
      nodes,
      mode: 'apply',
      ...confirmed,
      ...(options.why === undefined ? {} : { reason: options.why }),
      ...(options.idempotencyKey === undefined ? {} : { idempotencyKey: options.idempotencyKey }),
    },
    context.terminal.isInteractive,
  );
  print(context, options.json === true, done, () => done.targets.map(renderOutcome).join('\n'));
  process.exitCode = exitForStates(done.targets.map((target) => target.state));
}

export function addRun(program: Command, context: Context): void {
  program
    .command('actions')
    .argument('[action]', 'show the arguments of this one')
    .description('List the actions, or the arguments of one')
    .option('--json', 'for programs')
    .action(async (name: string | undefined, options: { json?: boolean }) => {
      const api = context.api();
      if (name === undefined) {
        const actions = await api.get<ActionRow[]>('/api/actions');
        print(context, options.json === true, actions, () =>
          renderTable(
            ['ACTION', 'RISK', 'TITLE'],
            actions.map((row) => [row.name, row.risk, row.title]),
          ),
        );
        return;
      }
      const action = await findAction(api, name);
      print(
        context,
        options.json === true,
        action,
        () =>
          `${action.title}\n\n${action.docs}\n\n${renderTable(['ARGUMENT', 'TYPE', '', 'MEANING'], describeArguments(action.args as ArgumentSchema, action.filledIn))}`,
      );
    });
  for (const [verb, says, does] of [
    ['plan', 'Show what an action would change on a node; changes nothing', plan],
    ['run', 'Run an action on nodes: plan, confirm, apply, verify', run],
  ] as const) {
    const command = program
      .command(verb)
      .description(says)
      .argument('<action>', 'name of the action')
      .argument('[arguments...]', "the action's own arguments, as --name value (see: hauban actions ACTION)")
      .requiredOption('--on <nodes>', 'host names or ids, separated by commas')
      .option('--json', 'for programs')
      .allowUnknownOption()
      .allowExcessArguments();
    if (verb === 'run') {
      command
        .option('--yes', 'do not ask')
        .option('--why <text>', 'for the audit log (an action may have a reason of its own)')
        .option('--idempotency-key <key>', 'the same key is the same run, however often it is sent');
    }
    command.action(async (name: string, words: string[], options: RunOptions) => does(context, name, words, options));
  }
}
