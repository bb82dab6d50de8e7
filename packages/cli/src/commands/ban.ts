import { countOf, listOfReason } from '@hauban/shared/actions';
import {
  BAN_LIFT_ACTION,
  BAN_SEARCH_ACTION,
  BAN_SEARCH_WITHIN_MS,
  liftOf,
  summariseBans,
  type BanSearch,
  type RunDetail,
  type RunRequest,
  type SilentNode,
} from '@hauban/shared/api';
import type { Command } from 'commander';
import type { ApiClient } from '../api-client.ts';
import { addBanList } from '../ban-list-command.ts';
import { chooseNodes } from '../choose-nodes.ts';
import { CliError } from '../cli-error.ts';
import { print, type Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { allTargets, followRun } from '../follow-run.ts';
import { plainLine } from '../plain-text.ts';
import { showRun } from '../show-run.ts';
import { localTime, renderTable } from '../terminal.ts';

interface BanOptions {
  readonly on: string;
  readonly json?: boolean;
  readonly yes?: boolean;
  readonly why?: string;
}

const names = (nodes: readonly SilentNode[], withDetail: boolean): string =>
  nodes
    .map(({ hostName, detail }) => plainLine(withDetail && detail !== '' ? `${hostName} (${detail})` : hostName))
    .join(', ');

/** A ban that a list makes comes back until it is taken off there. */
function listHints(address: string, { found }: BanSearch): readonly string[] {
  const lists = new Set(
    found.flatMap(({ answer }) =>
      answer.bans.flatMap(({ source, reason }) => (source === 'hauban' ? (listOfReason(reason) ?? []) : [])),
    ),
  );
  return [...lists].map((list) =>
    plainLine(
      `It is on the ban list ${list} and comes back until taken off: hauban ban list show ${list} --holds ${address}`,
    ),
  );
}

function renderSearch(address: string, search: BanSearch): string {
  const { found, clear, away, unsure, connected } = search;
  const rows = found.flatMap(({ hostName, answer }) =>
    answer.bans.map(({ source, where, target, reason, since, until }) =>
      [hostName, `${source} ${where}`, target, reason, localTime(since, '-'), localTime(until, 'lifted')].map(
        plainLine,
      ),
    ),
  );
  const asked = clear + found.length;
  return [
    ...(rows.length === 0
      ? [`No ban of ${address} was found on ${asked === 1 ? 'the node' : `the ${asked} nodes`} that answered.`]
      : [
          renderTable(['NODE', 'WHERE', 'TARGET', 'WHY', 'SINCE', 'UNTIL'], rows),
          ...(clear === 0 ? [] : [`No ban was found on ${countOf(clear, 'other node')}.`]),
        ]),
    ...found.flatMap(({ hostName, answer }) =>
      answer.never === null
        ? []
        : [plainLine(`${hostName} never bans it: ${answer.never.target} is ${answer.never.why}.`)],
    ),
    ...connected.map(({ hostName, count }) =>
      plainLine(`${hostName} has ${countOf(count, 'TCP connection')} with it open now.`),
    ),
    ...listHints(address, search),
    ...(away.length === 0 ? [] : [`Away, nobody knows what they do: ${names(away, false)}`]),
    ...(unsure.length === 0 ? [] : [`Could not say all: ${names(unsure, true)}`]),
  ].join('\n');
}

interface Found {
  readonly run: RunDetail;
  readonly search: BanSearch;
}

async function search(context: Context, api: ApiClient, address: string, on: string): Promise<Found> {
  const chosen = await chooseNodes(api, on, [BAN_SEARCH_ACTION]);
  const request: RunRequest = {
    action: BAN_SEARCH_ACTION,
    args: { address },
    ...chosen.where,
    mode: 'apply',
    strategy: 'at-once',
    startWithinMs: BAN_SEARCH_WITHIN_MS,
  };
  const run = await followRun(context, api, await api.post<RunDetail>('/api/runs', request));
  return { run, search: summariseBans(await allTargets(api, run)) };
}

/** Who asks a script wants to know whether it is sure. */
function setExit({ away, unsure }: BanSearch): void {
  process.exitCode = unsure.length > 0 ? EXIT.failed : away.length > 0 ? EXIT.unreachable : EXIT.ok;
}

async function why(context: Context, address: string, options: BanOptions): Promise<void> {
  const { run, search: result } = await search(context, context.api(), address, options.on);
  print(context, options.json === true, { run: run.id, address, ...result }, () => renderSearch(address, result));
  setExit(result);
}

async function mayLift(context: Context, question: string): Promise<boolean> {
  if (!context.terminal.isInteractive)
    throw new CliError(EXIT.usage, 'BAD_REQUEST', 'There is no terminal to ask on: use --yes, or "hauban ban why".');
  return /^y(es)?$/i.test((await context.terminal.ask(question)).trim());
}

async function lift(context: Context, address: string, options: BanOptions): Promise<void> {
  const api = context.api();
  const { search: result } = await search(context, api, address, options.on);
  const isJson = options.json === true;
  const { targets, nodes } = liftOf(result);
  if (!isJson || nodes.length === 0)
    print(context, isJson, { address, ...result }, () => renderSearch(address, result));
  if (nodes.length === 0) {
    setExit(result);
    return;
  }
  const question = `Lift ${targets.map(plainLine).join(' and ')} on ${countOf(nodes.length, 'node')}? [y/N] `;
  if (options.yes !== true && !(await mayLift(context, question)))
    throw new CliError(EXIT.failed, 'CANCELLED', 'Nothing was changed.');
  const request: RunRequest = {
    action: BAN_LIFT_ACTION,
    args: { targets },
    nodes,
    mode: 'apply',
    strategy: 'at-once',
    ...(options.why === undefined ? {} : { reason: options.why }),
  };
  await showRun(context, api, await followRun(context, api, await api.post<RunDetail>('/api/runs', request)), isJson);
}

const command = (group: Command, verb: string, says: string): Command =>
  group
    .command(verb)
    .description(says)
    .argument('<address>', 'one IPv4 or IPv6 address')
    .option('--on <nodes>', 'ask these only: host names, or a selector', 'all')
    .option('--json', 'for programs');

export function addBan(program: Command, context: Context): void {
  const group = program.command('ban').description('Why an address is banned, on every node, and lifting it');
  command(group, 'why', 'Ask every node whether, where, why and until when it bans an address').action(
    (address: string, options: BanOptions) => why(context, address, options),
  );
  command(group, 'lift', 'Find the bans of an address and lift them on every node: ours, of fail2ban, of CrowdSec')
    .option('--yes', 'do not ask')
    .option('--why <text>', 'for the audit log')
    .action((address: string, options: BanOptions) => lift(context, address, options));
  addBanList(group, context);
}
