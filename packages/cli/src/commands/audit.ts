import type { AuditPage } from '@hauban/shared/api';
import type { Command } from 'commander';
import { print, type Context } from '../context.ts';
import { findNode } from '../find-node.ts';
import { localTime, renderTable } from '../terminal.ts';

type Rows = AuditPage['rows'];

function auditTable(rows: Rows): string {
  if (rows.length === 0) return 'No entry fits.';
  return renderTable(
    ['TIME', 'CODE', 'WHAT', 'WHO', 'NODE', 'OUTCOME', 'FROM'],
    rows.map((row) => [
      localTime(row.at),
      row.code,
      row.title,
      row.who,
      row.hostName ?? '-',
      row.outcome,
      row.from ?? '-',
    ]),
  );
}

export function addAudit(program: Command, context: Context): void {
  program
    .command('audit')
    .description('Show the audit log, newest first')
    .option('--who <name>', 'only what this person did')
    .option('--node <node>', 'only what concerns this node')
    .option('--code <code>', 'only this event code')
    .option('--outcome <outcome>', 'ok, refused or failed')
    .option('--limit <n>', 'how many entries', '50')
    .option('--json', 'for programs')
    .action(
      async (options: {
        who?: string;
        node?: string;
        code?: string;
        outcome?: string;
        limit: string;
        json?: boolean;
      }) => {
        const api = context.api();
        const nodeId = options.node === undefined ? undefined : (await findNode(api, options.node)).id;
        const page = await api.get<AuditPage>('/api/audit', {
          who: options.who,
          nodeId,
          code: options.code,
          outcome: options.outcome,
          limit: options.limit,
        });
        print(context, options.json === true, page.rows, () => auditTable(page.rows));
      },
    );
}
