import type { ShellOpened } from '@hauban/shared/api';
import type { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { findNode } from '../find-node.ts';
import { plainLine } from '../plain-text.ts';
import { runShellSession } from '../shell-session.ts';

export function addShell(program: Command, context: Context): void {
  program
    .command('shell')
    .description('Open a recorded shell on a node; "~." at the start of a line disconnects')
    .argument('<node>', 'host name or id')
    .option('--user <name>', 'login name on the node; left out: the first that its policy allows')
    .option('--why <text>', 'for the audit log')
    .action(async (wanted: string, options: { user?: string; why?: string }) => {
      const api = context.api();
      const node = await findNode(api, wanted);
      const columns = process.stdout.columns ?? 80;
      const rows = process.stdout.rows ?? 24;
      const opened = await api.post<ShellOpened>(`/api/nodes/${node.id}/shells`, {
        columns,
        rows,
        ...(options.user === undefined ? {} : { user: options.user }),
        ...(options.why === undefined ? {} : { reason: options.why }),
      });
      if (context.terminal.isInteractive)
        context.terminal.err(
          `Shell on ${plainLine(node.hostName)}, recorded as ${opened.sessionId}. "~." disconnects.`,
        );
      const ended = await runShellSession({ url: api.url, token: api.token ?? '', sessionId: opened.sessionId });
      if (ended.how === 'exited') process.exitCode = ended.status;
      else throw new CliError(EXIT.unreachable, 'SHELL_GONE', ended.says);
    });
}
