import { countOf } from '@hauban/shared/actions';
import type { ActionRow, ScheduleRequest, ScheduleRow } from '@hauban/shared/api';
import type { Command } from 'commander';
import type { ApiClient } from '../api-client.ts';
import { parseArguments, type ArgumentSchema } from '../arguments.ts';
import { chooseNodes } from '../choose-nodes.ts';
import { CliError } from '../cli-error.ts';
import { print, type Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { plainLine } from '../plain-text.ts';
import { addStrategyOptions, parseStrategy, type StrategyOptions } from '../strategy-options.ts';
import { localTime, renderTable } from '../terminal.ts';

interface AddOptions extends StrategyOptions {
  readonly on: string;
  readonly cron: string;
  readonly zone?: string;
  readonly missed?: string;
  readonly plan?: boolean;
  readonly why?: string;
  readonly json?: boolean;
}

interface JsonOption {
  readonly json?: boolean;
}

async function findSchedule(api: ApiClient, wanted: string): Promise<ScheduleRow> {
  const all = await api.get<ScheduleRow[]>('/api/schedules');
  const found = all.find(({ id, name }) => id === wanted || name === wanted);
  if (found !== undefined) return found;
  const says = `There is no schedule "${plainLine(wanted)}": "hauban schedule list" lists them.`;
  throw new CliError(EXIT.notFound, 'NOT_FOUND', says);
}

const whereText = ({ on, nodes }: ScheduleRow): string => on ?? countOf(nodes?.length ?? 0, 'node');

function scheduleTable(schedules: readonly ScheduleRow[]): string {
  if (schedules.length === 0) return 'There is no schedule.';
  const rows = schedules.map((row) => [
    row.name,
    `${row.cron} ${row.zone}`,
    row.action + (row.steps.length > 1 ? ` and ${row.steps.length - 1} more` : ''),
    whereText(row),
    row.requester,
    row.state,
    localTime(row.nextAt, ''),
    row.says ?? (row.lastRunId === null ? '' : `run ${row.lastRunId.slice(0, 8)}`),
  ]);
  return renderTable(['NAME', 'TIMES', 'ACTION', 'ON', 'OF', 'STATE', 'NEXT', 'LAST'], rows);
}

async function describe(api: ApiClient, schedule: ScheduleRow): Promise<string> {
  const times = await api.get<number[]>(`/api/schedules/${schedule.id}/times`, { count: 3 });
  const next = times.map((at) => localTime(at)).join(', ');
  return `${schedule.name}: ${schedule.state}${next === '' ? '' : `; next: ${next}`}`;
}

function missedOf(missed: string | undefined): Pick<ScheduleRequest, 'missed'> {
  if (missed === undefined) return {};
  if (missed !== 'run-once' && missed !== 'skip')
    throw new CliError(EXIT.usage, 'BAD_REQUEST', `--missed takes run-once or skip, not "${plainLine(missed)}".`);
  return { missed };
}

async function add(
  context: Context,
  name: string,
  [action, words]: readonly [string, readonly string[]],
  options: AddOptions,
): Promise<void> {
  const api = context.api();
  const known = (await api.get<ActionRow[]>('/api/actions')).find((row) => row.name === action);
  if (known === undefined)
    throw new CliError(EXIT.notFound, 'ACTION_UNKNOWN', `There is no action "${plainLine(action)}".`);
  const strategy = parseStrategy(options);
  const request: ScheduleRequest = {
    name,
    cron: options.cron,
    zone: options.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    ...missedOf(options.missed),
    action,
    args: parseArguments(action, known.args as ArgumentSchema, words),
    ...(await chooseNodes(api, options.on, [action])).where,
    mode: options.plan === true ? 'plan' : 'apply',
    ...(strategy === undefined ? {} : { strategy }),
    ...(options.why === undefined ? {} : { reason: options.why }),
  };
  const made = await api.post<ScheduleRow>('/api/schedules', request);
  const text = await describe(api, made);
  print(context, options.json === true, made, () => text);
}

function addAdding(schedule: Command, context: Context): void {
  addStrategyOptions(
    schedule
      .command('add')
      .argument('<name>', 'of the schedule: lower-case letters, digits and -')
      .argument('<action>', 'as "hauban actions" lists them')
      .argument('[arguments...]', 'of the action: --name value')
      .description('Run an action again and again, in your name and with the rights that you have then')
      .requiredOption('--on <nodes>', "names, or a selector such as 'role=web': asked again at each time")
      .requiredOption('--cron <line>', "minute hour day month weekday, e.g. '30 3 * * 0'; or @daily"),
  )
    .option('--zone <zone>', 'whose clocks are meant, e.g. Europe/Vienna (default: of this machine)')
    .option('--missed <what>', 'times that passed while no controller ran: run-once (default) or skip')
    .option('--plan', 'only plan')
    .option('--why <text>', 'for the audit log')
    .option('--json', 'for programs')
    .allowUnknownOption()
    .action((name: string, action: string, words: string[], options: AddOptions) =>
      add(context, name, [action, words], options),
    );
}

export function addSchedule(program: Command, context: Context): void {
  const schedule = program.command('schedule').description('Runs that start again and again');
  schedule
    .command('list', { isDefault: true })
    .description('Schedules, with the next time of each')
    .option('--json', 'for programs')
    .action(async (options: JsonOption) => {
      const all = await context.api().get<ScheduleRow[]>('/api/schedules');
      print(context, options.json === true, all, () => scheduleTable(all));
    });
  addAdding(schedule, context);
  for (const [verb, says] of [
    ['pause', 'Start no further run of it'],
    ['resume', 'Go on with the next time; what passed meanwhile is left out'],
  ] as const)
    schedule
      .command(verb)
      .argument('<schedule>', 'name or id')
      .description(says)
      .option('--json', 'for programs')
      .action(async (wanted: string, options: JsonOption) => {
        const api = context.api();
        const changed = await api.post<ScheduleRow>(
          `/api/schedules/${(await findSchedule(api, wanted)).id}/${verb}`,
          {},
        );
        const text = await describe(api, changed);
        print(context, options.json === true, changed, () => text);
      });
  schedule
    .command('remove')
    .argument('<schedule>', 'name or id')
    .description('Delete it; runs that it started go on')
    .action(async (wanted: string) => {
      const api = context.api();
      const { id, name } = await findSchedule(api, wanted);
      await api.delete(`/api/schedules/${id}`);
      context.terminal.out(`${name} is deleted.`);
    });
}
