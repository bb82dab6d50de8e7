import type { RunDetail, RunRow, RunTarget, RunTargetPage } from '@hauban/shared/api';
import type { ApiClient } from './api-client.ts';
import { CliError } from './cli-error.ts';
import type { Context } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { createProgress } from './run-progress.ts';

/** The controller answers at once when a run ends; this is how old the progress may be until then. */
const LOOK_MS = 2_000;
const ONE_NODE_MS = 20_000;

/** The run goes on without the one who watched it. */
function detached(id: string, mode: string): CliError {
  const goesOn = `The run goes on. Come back with: hauban runs watch ${id}   End it with: hauban runs cancel ${id}`;
  return new CliError(EXIT.detached, 'DETACHED', mode === 'plan' ? 'Nothing was changed.' : goesOn);
}

/** Watches a run until every order has an outcome. Ctrl-C leaves it: the run goes on, the sentence says how to return. */
export async function followRun(context: Context, api: ApiClient, start: RunRow): Promise<RunDetail> {
  const left = new AbortController();
  const forget = context.terminal.onInterrupt(() => left.abort());
  const progress = createProgress(context.terminal, start);
  try {
    for (;;) {
      const waitMs = start.nodeCount > 1 ? LOOK_MS : ONE_NODE_MS;
      const run = await api.get<RunDetail>(`/api/runs/${start.id}`, { waitMs }, left.signal);
      progress.show(run);
      if (run.finishedAt !== null) return run;
      if (left.signal.aborted) throw detached(start.id, start.mode);
    }
  } catch (error) {
    if (left.signal.aborted) throw detached(start.id, start.mode);
    throw error;
  } finally {
    forget();
    progress.stop();
  }
}

/** Every target of a run, of which `RunDetail` holds the first few hundred. */
export async function allTargets(api: ApiClient, run: RunDetail): Promise<readonly RunTarget[]> {
  const orders = Object.values(run.counts).reduce((sum, count) => sum + count, 0);
  if (run.targets.length >= orders) return run.targets;
  const targets: RunTarget[] = [];
  let cursor: string | undefined;
  do {
    const page: RunTargetPage = await api.get<RunTargetPage>(`/api/runs/${run.id}/targets`, { limit: 1000, cursor });
    targets.push(...page.targets);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
  return targets;
}
