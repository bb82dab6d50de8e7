import type { JoinTokenCreated, NodeDetail, NodePage, RunDetail, RunRequest } from '@hauban/shared/api';
import type { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { print, type Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { findNode } from '../find-node.ts';
import { followRun } from '../follow-run.ts';
import { showRun } from '../show-run.ts';
import { localTime, percent, renderTable } from '../terminal.ts';

type Page = NodePage;

async function allNodes(context: Context, query: Record<string, string | undefined>): Promise<Page['nodes']> {
  const nodes: Page['nodes'] = [];
  let cursor: string | undefined;
  do {
    const page: Page = await context.api().get<Page>('/api/nodes', { ...query, limit: 1000, cursor });
    nodes.push(...page.nodes);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
  return nodes;
}

const labelText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

function nodeTable(nodes: Page['nodes']): string {
  if (nodes.length === 0) return 'No node fits. "hauban join-token" makes a token to enrol one.';
  const rows = nodes.map((node) => [
    node.hostName,
    node.state,
    node.roles.join(','),
    labelText(node.labels),
    percent(node.figures.cpuBusyRatio),
    percent(node.figures.memoryUsedRatio),
    node.figures.load1?.toFixed(2) ?? '-',
    percent(node.figures.fullestFsRatio),
    localTime(node.lastSeenAt),
  ]);
  return renderTable(['NODE', 'STATE', 'ROLES', 'LABELS', 'CPU', 'MEMORY', 'LOAD', 'FULLEST FS', 'LAST SEEN'], rows);
}

function nodeSheet(node: NodeDetail): string {
  return renderTable(
    ['FIELD', 'VALUE'],
    [
      ['name', node.hostName],
      ['id', node.id],
      [
        'state',
        node.bar === null
          ? node.state
          : `${node.state} by ${node.bar.by}, ${localTime(node.bar.at)}: ${node.bar.reason}`,
      ],
      ['roles', node.roles.join(', ')],
      ['labels', labelText(node.labels)],
      ['system', node.os],
      ['agent', `${node.agentVersion}${node.isRoot ? '' : ' (not root: most actions are refused)'}`],
      ['enrolled', localTime(node.enrolledAt)],
      ['booted', localTime(node.bootedAt)],
      ['last seen', localTime(node.lastSeenAt)],
      ['connected from', node.remoteAddress ?? '-'],
      ['CPU', percent(node.figures.cpuBusyRatio)],
      ['memory', percent(node.figures.memoryUsedRatio)],
      ['load', node.figures.load1?.toFixed(2) ?? '-'],
      ['open shells', String(node.openShells)],
      ['actions', node.actions.map((action) => action.name).join(', ')],
    ],
  );
}

function parseLabels(items: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    items.map((item) => {
      const [name, ...rest] = item.split('=');
      if (name === undefined || name === '' || rest.length === 0)
        throw new CliError(EXIT.usage, 'BAD_REQUEST', `"${item}" is not a label: it looks like name=value.`);
      return [name, rest.join('=')];
    }),
  );
}

const tokenText = (made: JoinTokenCreated): string =>
  `Valid until ${localTime(made.expiresAt)}. On the machine, as root:\n\n    ${made.command}\n`;

const collect = (value: string, before: string[]): string[] => [...before, value];

function addReceiptKey(node: Command, context: Context): void {
  node
    .command('rotate-receipt-key')
    .argument('<node>', 'host name or id')
    .description('Have a node replace the key that it signs its receipts with, as it does by itself every day')
    .option('--reason <text>', 'why; it stands in the audit log')
    .option('--json', 'for programs')
    .action(async (wanted: string, options: { reason?: string; json?: boolean }) => {
      const api = context.api();
      const { id } = await findNode(api, wanted);
      // An order as any other: the authority signs it, and the node's policy file has to allow it.
      const request: RunRequest = {
        action: 'node.rotate-receipt-key',
        args: {},
        nodes: [id],
        mode: 'apply',
        ...(options.reason === undefined ? {} : { reason: options.reason }),
      };
      const done = await followRun(context, api, await api.post<RunDetail>('/api/runs', request));
      await showRun(context, api, done, options.json === true);
    });
}

export function addNodes(program: Command, context: Context): void {
  program
    .command('nodes')
    .description('List the nodes')
    .option('--search <text>', 'part of the host name or a label')
    .option('--role <role>', 'only nodes with this role')
    .option('--label <name=value>', 'only nodes with this label')
    .option('--state <state>', 'up, down, never-seen, revoked or locked')
    .option('--json', 'for programs')
    .action(async (options: { search?: string; role?: string; label?: string; state?: string; json?: boolean }) => {
      const { json, ...query } = options;
      const nodes = await allNodes(context, query);
      print(context, json === true, nodes, () => nodeTable(nodes));
    });
  const node = program.command('node').description('One node');
  node
    .command('show')
    .argument('<node>', 'host name or id')
    .description('Show what is known of a node')
    .option('--json', 'for programs')
    .action(async (wanted: string, options: { json?: boolean }) => {
      const api = context.api();
      const detail = await api.get<NodeDetail>(`/api/nodes/${(await findNode(api, wanted)).id}`);
      print(context, options.json === true, detail, () => nodeSheet(detail));
    });
  node
    .command('revoke')
    .argument('<node>', 'host name or id')
    .description('End the link of a node at once and take none from it again, until it is enrolled again')
    .requiredOption('--reason <text>', 'why; it stands in the audit log')
    .option('--json', 'for programs')
    .action(async (wanted: string, options: { reason: string; json?: boolean }) => {
      const api = context.api();
      const { id } = await findNode(api, wanted);
      const revoked = await api.post<NodeDetail>(`/api/nodes/${id}/revoke`, { reason: options.reason });
      print(context, options.json === true, revoked, () => nodeSheet(revoked));
    });
  node
    .command('re-enrol')
    .argument('<node>', 'host name or id')
    .description('Make a token by which the machine of a node gets new keys and is let in again')
    .option('--json', 'for programs')
    .action(async (wanted: string, options: { json?: boolean }) => {
      const api = context.api();
      const made = await api.post<JoinTokenCreated>(`/api/nodes/${(await findNode(api, wanted)).id}/re-enrol`, {});
      print(context, options.json === true, made, () => tokenText(made));
    });
  addReceiptKey(node, context);
  addJoinToken(program, context);
}

function addJoinToken(program: Command, context: Context): void {
  program
    .command('join-token')
    .description('Make a token with which a new machine enrols itself')
    .option('--uses <n>', 'how many machines may use it', '1')
    .option('--minutes <n>', 'how long it is valid', '15')
    .option('--role <role>', 'role of the new nodes (repeatable)', collect, [])
    .option('--label <name=value>', 'label of the new nodes (repeatable)', collect, [])
    .option('--host-name <name>', 'only a machine of this host name')
    .option('--json', 'for programs')
    .action(
      async (options: {
        uses: string;
        minutes: string;
        role: string[];
        label: string[];
        hostName?: string;
        json?: boolean;
      }) => {
        const body = {
          uses: Number(options.uses),
          minutes: Number(options.minutes),
          roles: options.role,
          labels: parseLabels(options.label),
          ...(options.hostName === undefined ? {} : { hostName: options.hostName }),
        };
        const made = await context.api().post<JoinTokenCreated>('/api/join-tokens', body);
        print(context, options.json === true, made, () => tokenText(made));
      },
    );
}
