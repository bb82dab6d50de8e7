import type { PlanGroup } from '@hauban/shared/api';
import { visibleLine } from '../format/visible-text.ts';
import { texts } from '../texts/index.ts';
import { Mark, type Tone } from './mark.tsx';
import { PlanView } from './plan-view.tsx';

/** Nothing turns but what is still awaited. */
const TONES: Record<PlanGroup['kind'], Tone> = {
  changes: 'idle',
  nothing: 'ok',
  refused: 'warn',
  failed: 'bad',
  pending: 'busy',
};

const hostsOf = ({ nodes, count }: PlanGroup): string => {
  const names = nodes.map(({ hostName }) => visibleLine(hostName, 100)).join(', ');
  return count > nodes.length ? `${names} ${texts.words.truncated(count - nodes.length)}` : names;
};

/** The plans of many nodes: each different one once, with whom it is for. The largest is open. */
export function MergedPlanView({ groups }: { readonly groups: readonly PlanGroup[] }) {
  const first = groups.findIndex(({ kind }) => kind === 'changes');
  return (
    <div className="hb-stack">
      {groups.map((group, index) => (
        <section key={`${group.position} ${group.kind} ${group.hash ?? group.says}`} className="hb-card hb-target">
          <details open={index === first}>
            <summary className="hb-target-head">
              <Mark tone={TONES[group.kind]} word={texts.plan.groups[group.kind]} />
              <strong className="hb-foreign hb-grow">{visibleLine(group.says, 400)}</strong>
            </summary>
            <div className="hb-target-body">
              <p className="hb-quiet hb-small hb-foreign">{hostsOf(group)}</p>
              {group.plan === null ? null : <PlanView plan={group.plan} />}
            </div>
          </details>
        </section>
      ))}
    </div>
  );
}
