import { writeFileSync } from 'node:fs';
import type { SessionPage } from '@hauban/shared/api';
import type { Command } from 'commander';
import { print, type Context } from '../context.ts';
import { findNode } from '../find-node.ts';
import { localTime, renderTable } from '../terminal.ts';

type Sessions = SessionPage['sessions'];

function sessionTable(sessions: Sessions): string {
  if (sessions.length === 0) return 'No recording fits.';
  const rows = sessions.map((row) => [
    row.id,
    localTime(row.requestedAt),
    row.hostName,
    row.user,
    row.openedBy,
    `${Math.round(row.durationMs / 1000)} s`,
    `${row.outputBytes} B`,
    row.state,
    row.recording,
  ]);
  return renderTable(['SESSION', 'STARTED', 'NODE', 'AS', 'BY', 'LENGTH', 'OUTPUT', 'STATE', 'RECORDING'], rows);
}

export function addRecordings(program: Command, context: Context): void {
  const recordings = program
    .command('recordings')
    .description('List recorded shells, newest first')
    .option('--node <node>', 'only of this node')
    .option('--by <name>', 'only opened by this person')
    .option('--limit <n>', 'how many', '50')
    .option('--json', 'for programs')
    .action(async (options: { node?: string; by?: string; limit: string; json?: boolean }) => {
      const api = context.api();
      const nodeId = options.node === undefined ? undefined : (await findNode(api, options.node)).id;
      const page = await api.get<SessionPage>('/api/recordings', {
        nodeId,
        openedBy: options.by,
        limit: options.limit,
      });
      print(context, options.json === true, page.sessions, () => sessionTable(page.sessions));
    });
  recordings
    .command('export')
    .argument('<session>', 'session id')
    .option('-o, --output <file>', 'write here instead of standard output')
    .description('Export a recording as asciicast v3, which any asciinema player plays')
    .action(async (session: string, options: { output?: string }) => {
      const cast = await context.api().getText(`/api/recordings/${encodeURIComponent(session)}/cast`);
      if (options.output === undefined) context.terminal.out(cast.trimEnd());
      else writeFileSync(options.output, cast, { mode: 0o600, flag: 'wx' });
    });
}
