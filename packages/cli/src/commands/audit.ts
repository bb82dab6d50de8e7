import type { AuditPage } from '@hauban/shared/api';
import type { Command } from 'commander';
import { exportAudit } from '../audit-export.ts';
import { verifyAuditFile } from '../audit-file.ts';
import { CliError } from '../cli-error.ts';
import { print, type Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
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

const collect = (value: string, before: string[]): string[] => [...before, value];

function addFiles(audit: Command, context: Context): void {
  audit
    .command('export')
    .argument('<file>', 'new file to write')
    .description('Write the whole audit log with its signed heads to a file')
    .action(async (path: string) => {
      const bytes = await exportAudit(context.api(), path);
      context.terminal.out(`${path}: ${bytes} bytes. Check it with "hauban audit verify ${path} --key PUBLIC".`);
    });
  audit
    .command('verify')
    .argument('<file>', 'what "hauban audit export" wrote')
    .description('Check an export without any controller: 0 when it is whole, 1 when not')
    .requiredOption(
      '--key <public>',
      "a public link key of the controller (repeatable; a node's trust.json has it)",
      collect,
      [],
    )
    .option('--witness <file>', 'heads that were kept outside: the export must contain them (repeatable)', collect, [])
    .option('--json', 'for programs')
    .action(async (path: string, _options: unknown, command: Command) => {
      const { key, witness, json } = command.optsWithGlobals<{ key: string[]; witness: string[]; json?: boolean }>();
      if (key.length === 0) throw new CliError(EXIT.usage, 'BAD_REQUEST', 'Give the public key with --key.');
      const verdict = await verifyAuditFile({ path, keys: key, witnesses: witness });
      if (!verdict.ok) throw new CliError(EXIT.failed, 'AUDIT_BAD', verdict.problem);
      const { rows, heads, end } = verdict;
      print(
        context,
        json === true,
        verdict,
        () => `The audit log is whole: ${rows} rows, ${heads} signed heads, up to ${localTime(end.at)}.`,
      );
    });
}

export function addAudit(program: Command, context: Context): void {
  const audit = program
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
  addFiles(audit, context);
}
