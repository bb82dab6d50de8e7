import type { Change } from '../change.ts';
import type { Rehearsed } from '../define-action.ts';
import type { CandidateFile, Host, HttpProbe } from '../host.ts';
import { LOG_ROOT } from '../hosting-layout.ts';
import { faultText } from '../planner.ts';

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

/** Starts Apache with the planned files in a rehearsal and asks for these pages; nothing live is touched. */
export async function rehearseSites(
  host: Host,
  changes: readonly Change[],
  probes: readonly HttpProbe[],
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
  for (const [index, reply] of result.probes.entries())
    if (!reply.ok)
      return { ok: false, code: 'REHEARSAL_FAILED', detail: `${probes[index]?.host ?? 'a site'}: ${reply.problem}` };
  return { ok: true, notes: [`Apache started with these sites in a rehearsal of ${Math.round(result.tookMs)} ms.`] };
}
