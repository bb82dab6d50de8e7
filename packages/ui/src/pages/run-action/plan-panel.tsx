import type { ActionRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { useEffect, useRef, type ReactNode } from 'react';
import { MergedPlanView } from '../../parts/merged-plan-view.tsx';
import { ErrorNotice, Loading, Notice } from '../../parts/notices.tsx';
import { PlanView } from '../../parts/plan-view.tsx';
import { TargetView } from '../../parts/target-view.tsx';
import { texts } from '../../texts/index.ts';
import type { PlanState } from './plan-state.ts';
import type { RunActionModel } from './use-run-action.ts';

const t = texts.runAction;

function Ready({ plan, onRun }: { readonly plan: Extract<PlanState, { kind: 'ready' }>; readonly onRun: () => void }) {
  const [only] = plan.groups;
  const own = plan.hash === null ? null : (only?.plan ?? null);
  return (
    <>
      {plan.unable === 0 ? null : <Notice tone="warn">{t.someRefused(plan.unable)}</Notice>}
      {plan.able > 0 ? null : <Notice tone="ok">{plan.unable === 0 ? t.nothingToDo : t.nothingElse}</Notice>}
      {own === null ? <MergedPlanView groups={plan.groups} /> : <PlanView plan={own} />}
      {plan.able === 0 ? null : (
        <div className="hb-run-go">
          <Button onClick={onRun}>{own === null ? t.runOn(plan.able) : t.run}</Button>
        </div>
      )}
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
          {plan.only === null ? <MergedPlanView groups={plan.groups} /> : <TargetView target={plan.only} isOpen />}
        </>
      );
    case 'ready':
      return <Ready plan={plan} onRun={onRun} />;
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
