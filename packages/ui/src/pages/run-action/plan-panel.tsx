import type { ActionRow, RunTarget } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { useEffect, useRef, type ReactNode } from 'react';
import { visibleLine } from '../../format/visible-text.ts';
import { ErrorNotice, Loading, Notice } from '../../parts/notices.tsx';
import { PlanView } from '../../parts/plan-view.tsx';
import { TargetView } from '../../parts/target-view.tsx';
import { texts } from '../../texts/index.ts';
import type { PlanGroup, PlanState } from './plan-state.ts';
import type { RunActionModel } from './use-run-action.ts';

const t = texts.runAction;

function Group({ group, isOnly }: { readonly group: PlanGroup; readonly isOnly: boolean }) {
  const hosts = group.targets.map((target) => visibleLine(target.hostName, 100)).join(', ');
  return (
    <section className="hb-stack">
      {isOnly && group.targets.length === 1 ? null : (
        <div>
          <h3 className="hb-section-title">
            {group.targets.length === 1 ? (
              <span className="hb-foreign">{hosts}</span>
            ) : (
              texts.plan.same(group.targets.length)
            )}
          </h3>
          {group.targets.length === 1 ? null : <p className="hb-quiet hb-small hb-foreign">{hosts}</p>}
        </div>
      )}
      <PlanView plan={group.plan} />
    </section>
  );
}

const Others = ({ targets }: { readonly targets: readonly RunTarget[] }): ReactNode =>
  targets.map((target) => <TargetView key={target.orderId} target={target} isOpen />);

function Ready({
  plan,
  count,
  onRun,
}: {
  readonly plan: Extract<PlanState, { kind: 'ready' }>;
  readonly count: number;
  readonly onRun: () => void;
}) {
  return (
    <>
      {plan.others.length === 0 ? null : <Notice tone="warn">{t.someRefused(plan.others.length)}</Notice>}
      {plan.hasWork ? null : <Notice tone="ok">{plan.others.length === 0 ? t.nothingToDo : t.nothingElse}</Notice>}
      {plan.groups.map((group) => (
        <Group key={group.plan.hash} group={group} isOnly={plan.groups.length === 1} />
      ))}
      <Others targets={plan.others} />
      {plan.hasWork ? (
        <div className="hb-run-go">
          <Button onClick={onRun}>{count === 1 ? t.run : t.runOn(count)}</Button>
        </div>
      ) : null}
    </>
  );
}

function content(action: ActionRow, model: RunActionModel, onRun: () => void): ReactNode {
  const { plan } = model;
  switch (plan.kind) {
    case 'none':
      return <p className="hb-quiet">{action.readOnly ? texts.actions.readOnly : t.notPlanned}</p>;
    case 'planning':
      return <Loading text={plan.total > 1 ? texts.run.progress(plan.ready, plan.total) : t.planning} />;
    case 'failed':
      return <ErrorNotice error={plan.error} onRetry={model.makePlan} />;
    case 'stale':
      return <Notice tone="idle">{t.planStale}</Notice>;
    case 'refused':
      return (
        <>
          <Notice tone="warn">{t.refusedAll}</Notice>
          <Others targets={plan.others} />
        </>
      );
    case 'ready':
      return <Ready plan={plan} count={model.nodes.length} onRun={onRun} />;
  }
}

/** The plan as it stands, beside the form. */
export function PlanPanel({
  action,
  model,
  onRun,
}: {
  readonly action: ActionRow;
  readonly model: RunActionModel;
  readonly onRun: () => void;
}) {
  const place = useRef<HTMLElement | null>(null);
  const { kind } = model.plan;
  useEffect(() => {
    // On a phone the plan is below the form: an answer has to be seen.
    const isBelow = matchMedia('(max-width: 900px)').matches;
    if (isBelow && kind !== 'none' && kind !== 'stale') place.current?.scrollIntoView({ block: 'start' });
  }, [kind]);
  return (
    <section
      ref={place}
      className="hb-card hb-card-pad hb-stack hb-plan-panel"
      aria-label={t.stepPlan}
      aria-live="polite"
    >
      <h2 className="hb-section-title">{t.stepPlan}</h2>
      {content(action, model, onRun)}
      {action.readOnly && model.applyError !== null ? <ErrorNotice error={model.applyError} /> : null}
    </section>
  );
}
