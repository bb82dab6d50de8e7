import type { WindowRequest, WindowRow } from '@hauban/shared/api';
import type { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { print, type Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { plainLine } from '../plain-text.ts';
import { parseDuration } from '../strategy-options.ts';
import { localTime, renderTable } from '../terminal.ts';

interface AddOptions {
  readonly on: string;
  readonly freeze?: boolean;
  readonly cron?: string;
  readonly duration?: string;
  readonly zone?: string;
  readonly from?: string;
  readonly until?: string;
  readonly json?: boolean;
}

const whenText = ({ cron, zone, durationMinutes, from, until }: WindowRow): string =>
  cron === null
    ? `${localTime(from ?? 0)} to ${localTime(until ?? 0)}`
    : `${cron} ${zone}, ${durationMinutes ?? 0} minutes`;

function stateText({ nowUntil, nextFrom }: WindowRow): string {
  if (nowUntil !== null) return `now, until ${localTime(nowUntil)}`;
  return nextFrom === null ? 'over' : `next ${localTime(nextFrom)}`;
}

function windowTable(windows: readonly WindowRow[]): string {
  if (windows.length === 0) return 'There is no maintenance window: nodes may be changed at any time.';
  const rows = windows.map((row) => [row.name, row.kind, row.on, whenText(row), stateText(row), row.createdBy]);
  return renderTable(['NAME', 'KIND', 'ON', 'WHEN', 'STATE', 'BY'], rows);
}

function timeOf(option: string, text: string): number {
  const at = Date.parse(text);
  if (Number.isNaN(at))
    throw new CliError(EXIT.usage, 'BAD_REQUEST', `${option} takes a time such as 2027-03-01T22:00, not "${text}".`);
  return at;
}

function requestOf(name: string, { on, freeze, cron, duration, zone, from, until }: AddOptions): WindowRequest {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return {
    name,
    kind: freeze === true ? 'freeze' : 'only-inside',
    on,
    zone: zone ?? here,
    ...(cron === undefined ? {} : { cron }),
    ...(duration === undefined ? {} : { durationMinutes: Math.round(parseDuration('--duration', duration) / 60_000) }),
    ...(from === undefined ? {} : { from: timeOf('--from', from) }),
    ...(until === undefined ? {} : { until: timeOf('--until', until) }),
  };
}

export function addWindow(program: Command, context: Context): void {
  const window = program.command('window').description('Maintenance windows: when nodes may be changed');
  window
    .command('list', { isDefault: true })
    .description('All of them, and when they are')
    .option('--json', 'for programs')
    .action(async (options: { json?: boolean }) => {
      const all = await context.api().get<WindowRow[]>('/api/windows');
      print(context, options.json === true, all, () => windowTable(all));
    });
  window
    .command('add')
    .argument('<name>', 'lower-case letters, digits and -')
    .description('These nodes are changed only inside of it; with --freeze: not inside of it')
    .requiredOption('--on <selector>', "such as 'role=web': which nodes it means is asked each time")
    .option('--freeze', 'no changes inside')
    .option('--cron <line>', "when it begins, e.g. '0 22 * * 1-5'; with --duration")
    .option('--duration <time>', 'such as 90m or 6h')
    .option('--zone <zone>', 'whose clocks are meant, e.g. Europe/Vienna (default: of this machine)')
    .option('--from <time>', 'once, in place of --cron; with --until')
    .option('--until <time>', 'when it ends')
    .option('--json', 'for programs')
    .action(async (name: string, options: AddOptions) => {
      const made = await context.api().post<WindowRow>('/api/windows', requestOf(name, options));
      print(context, options.json === true, made, () => `${made.name}: ${stateText(made)}`);
    });
  window
    .command('remove')
    .argument('<window>', 'name or id')
    .description('Delete it; what waits for it goes on')
    .action(async (wanted: string) => {
      const api = context.api();
      const found = (await api.get<WindowRow[]>('/api/windows')).find(
        ({ id, name }) => id === wanted || name === wanted,
      );
      if (found === undefined)
        throw new CliError(EXIT.notFound, 'NOT_FOUND', `There is no maintenance window "${plainLine(wanted)}".`);
      await api.delete(`/api/windows/${found.id}`);
      context.terminal.out(`${found.name} is deleted.`);
    });
}
