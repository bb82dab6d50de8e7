import type { FailureGroup, MergedPlan, PlanGroup, RunDetail, RunRow } from '@hauban/shared/api';
import type { ApiClient } from './api-client.ts';
import { allTargets } from './follow-run.ts';
import { print, type Context } from './context.ts';
import { exitForStates } from './exit-codes.ts';
import { plainLine } from './plain-text.ts';
import { countsText } from './run-words.ts';
import { renderOutcome, renderPlan } from './show-plan.ts';

/** Up to so many nodes each is shown with all that it says. */
const SHOWN_EACH = 10;

const hosts = ({ nodes, count }: Pick<PlanGroup, 'nodes' | 'count'>): string => {
  const names = nodes.map(({ hostName }) => plainLine(hostName)).join(', ');
  return count > nodes.length ? `${names} and ${count - nodes.length} more` : names;
};

/** The plans of all nodes as one: each different plan once. */
export function renderMergedPlan({ groups }: MergedPlan): string {
  const texts = groups.map((group) => {
    const isSmall = group.kind !== 'nothing' || group.count <= SHOWN_EACH;
    const head = [plainLine(group.says), ...(isSmall ? [`  on ${hosts(group)}`] : [])];
    const plan = group.plan === null || group.kind === 'nothing' ? [] : [renderPlan(group.plan)];
    return [...head, ...plan].join('\n');
  });
  return texts.join('\n\n');
}

const renderFailures = (groups: readonly FailureGroup[]): string =>
  groups
    .map((group) => {
      const code = group.code === null ? '' : ` (${plainLine(group.code)})`;
      const example = plainLine(group.example);
      return [`${group.count} × ${group.state}${code}: ${plainLine(group.says)}`, `  ${hosts(group)}`]
        .concat(example === plainLine(group.says) ? [] : [`  e.g. ${example}`])
        .join('\n');
    })
    .join('\n');

const RETRIED: readonly string[] = ['failed', 'refused', 'undetermined', 'harmed', 'expired'];

/** What can be done next, as commands. */
function hints({ id, counts, state }: RunRow): string[] {
  const canRetry = RETRIED.some((each) => (counts[each] ?? 0) > 0);
  const isCut = state === 'stopped' || state === 'cancelled';
  return [
    ...(canRetry ? [`Try these again: hauban runs retry ${id}`] : []),
    ...(isCut ? [`Go on with all that is left: hauban runs retry ${id} --unfinished`] : []),
  ];
}

/** A run that is over, for people: few nodes each with its outcome, many as counts and causes. */
async function renderRun(api: ApiClient, run: RunDetail): Promise<string> {
  if (run.targets.length <= SHOWN_EACH && run.nodeCount <= SHOWN_EACH) {
    const says = run.says === null ? [] : [plainLine(run.says)];
    return [...run.targets.map(renderOutcome), ...says, ...(run.nodeCount > 1 ? hints(run) : [])].join('\n');
  }
  const causes = await api.get<FailureGroup[]>(`/api/runs/${run.id}/failures`);
  return [
    `${run.state}: ${countsText(run.counts)}`,
    ...(run.says === null ? [] : [plainLine(run.says)]),
    ...(causes.length === 0 ? [] : [renderFailures(causes)]),
    ...hints(run),
    `All of it: hauban runs show ${run.id} --json`,
  ].join('\n');
}

/** Prints a run as it stands and sets the exit status by its worst outcome. */
export async function showRun(context: Context, api: ApiClient, run: RunDetail, isJson: boolean): Promise<void> {
  const value = isJson ? { ...run, targets: await allTargets(api, run) } : null;
  const text = isJson ? '' : await renderRun(api, run);
  print(context, isJson, value, () => text);
  process.exitCode = exitForStates(Object.keys(run.counts));
}
