import type { Change } from './change.ts';
import type { Rehearsed } from './define-action.ts';
import type { CandidateFile, Host, HttpProbe } from './host.ts';
import { LOG_ROOT } from './hosting-layout.ts';
import { faultText, type Planner } from './planner.ts';

/** Changes of what Apache reads: tried in a rehearsal, and followed by a reload in both directions. */

/** What of a plan Apache reads: the files of sites and the directories of their logs. */
function candidatesOf(changes: readonly Change[]): readonly CandidateFile[] {
  return changes.flatMap((change): readonly CandidateFile[] => {
    if (change.kind === 'directory' && change.path.startsWith(LOG_ROOT))
      return [{ type: 'directory', path: change.path }];
    if (change.kind === 'file' && change.path.startsWith('/etc/apache2/'))
      return change.after === null
        ? [{ type: 'absent', path: change.path }]
        : [{ type: 'file', path: change.path, content: change.after.content }];
    if (change.kind === 'symlink' && change.path.startsWith('/etc/apache2/'))
      return change.after === null
        ? [{ type: 'absent', path: change.path }]
        : [{ type: 'symlink', path: change.path, target: change.after }];
    return [];
  });
}

/**
 * Starts Apache with the plan's files in private. The sites of the probes may answer another status than before; each
 * has to answer, unless they go (`gone`).
 */
export async function rehearseSites(
  host: Host,
  changes: readonly Change[],
  probes: readonly HttpProbe[],
  gone: 'gone' | 'stay' = 'stay',
): Promise<Rehearsed> {
  const candidates = candidatesOf(changes);
  if (candidates.length === 0) return { ok: true, notes: [] };
  const result = await host.web.rehearse(candidates, probes);
  if (!result.ok)
    return {
      ok: false,
      code: result.stage === 'start' ? 'REHEARSAL_FAILED' : 'CONFIG_INVALID',
      detail: faultText(result),
    };
  const silent = gone === 'gone' ? -1 : result.probes.findIndex((probe) => !probe.ok);
  const reply = result.probes[silent];
  if (reply?.ok === false)
    return { ok: false, code: 'REHEARSAL_FAILED', detail: `${probes[silent]?.host ?? ''}: ${reply.problem}` };
  return {
    ok: true,
    notes: [`Apache started with the changed sites in a rehearsal of ${Math.round(result.tookMs)} ms.`],
  };
}

/**
 * Plans changes of Apache's files with a reload after them, and one after they are taken back.
 * @returns whether there is anything to change
 */
export async function withReload(
  planner: Planner,
  words: { readonly done: string; readonly undone: string },
  work: () => Promise<void>,
): Promise<boolean> {
  const first = planner.changes.length;
  await work();
  if (planner.changes.length === first) return false;
  // Undone in reverse order: the reload has to come after the files are back.
  (planner.changes as Change[]).splice(first, 0, { kind: 'apache-reload', why: words.undone, when: 'undo' });
  planner.add({ kind: 'apache-reload', why: words.done, when: 'apply' });
  return true;
}
