/** One run: what each node does, live, and how it ended; what can be done about it. */
import type { RunDetail } from '@hauban/shared/api';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useApprovals, useMe, useRun } from '../../api/hooks.ts';
import { useMergedPlan } from '../../api/run-hooks.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { DataView } from '../../parts/data-view.tsx';
import { MergedPlanView } from '../../parts/merged-plan-view.tsx';
import { QueryView } from '../../parts/notices.tsx';
import { progressOf } from '../../parts/order-look.ts';
import { Facts, Page } from '../../parts/page.tsx';
import { RunCounts, RunStateMark } from '../../parts/state-marks.tsx';
import { DateTime } from '../../parts/time-text.tsx';
import { usePathParam } from '../../parts/use-path-param.ts';
import { WaitsForApproval } from '../../parts/waits-for-approval.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';
import { waveName } from './node-grid.tsx';
import { ProgressLine } from '../../parts/progress-line.tsx';
import { RunControls } from './run-controls.tsx';
import { RunFailures } from './run-failures.tsx';
import { RunTargets } from './run-targets.tsx';

const t = texts.run;

function Progress({ run }: { readonly run: RunDetail }) {
  const { over, total } = progressOf(run.counts);
  if (total < 2 || run.finishedAt !== null) return null;
  const wave = waveName(run, run.wave);
  return (
    <ProgressLine label={t.progress(over, total)} more={wave === '' ? '' : `· ${wave}`} value={over} max={total} />
  );
}

/** A run that waits for people has the id of what they approve. */
function RunWaits({ run }: { readonly run: RunDetail }) {
  const me = useMe();
  const mayWait = run.finishedAt === null && me.data?.may.operate === true;
  const approvals = useApprovals(mayWait);
  const waiting = mayWait ? approvals.data?.find(({ id }) => id === run.id) : undefined;
  if (waiting === undefined) return null;
  return <WaitsForApproval text={waiting.byAnother ? texts.approvals.runWaitsOther : texts.approvals.runWaits} />;
}

function howText({ rollout }: RunDetail): string {
  if (rollout === null || rollout.waves.length === 1) return t.atOnce;
  const sizes = rollout.waves.length > 8 ? [...rollout.waves.slice(0, 7), '…'] : rollout.waves;
  return `${t.waves(sizes.join(', '), rollout.maxInFlight)}; ${t.stopsAfter(rollout.stopAfter)}`;
}

const foreign = (key: string, text: string, max = 200): ReactNode => (
  <span key={key} className="hb-foreign">
    {visibleLine(text, max)}
  </span>
);

function RunFacts({ run }: { readonly run: RunDetail }) {
  const many: [string, ReactNode][] =
    run.nodeCount < 2
      ? []
      : [[t.how, howText(run)], ...(run.on === null ? [] : ([[t.on, foreign('on', run.on)]] as [string, ReactNode][]))];
  return (
    <div className="hb-card hb-card-pad hb-stack">
      <div className="hb-row" role="status">
        <RunStateMark run={run} />
        <RunCounts counts={run.counts} />
      </div>
      {run.says === null ? null : <p className="hb-foreign">{visibleLine(run.says, 500)}</p>}
      {run.retryOf === null ? null : (
        <p className="hb-quiet">
          {t.retryOf} <Link to={paths.run(run.retryOf)}>{t.retryOfLink}</Link>
        </p>
      )}
      <Facts
        rows={[
          [texts.words.when, <DateTime key="at" at={run.createdAt} />],
          [texts.runs.by, foreign('by', run.requester, 100)],
          [texts.words.reason, run.reason === null ? texts.words.none : foreign('why', run.reason)],
          ...many,
        ]}
      />
      {run.steps.length > 0 ? (
        <DataView value={run.steps} label={t.arguments} />
      ) : Object.keys(run.args).length === 0 ? null : (
        <DataView value={run.args} label={t.arguments} />
      )}
    </div>
  );
}

/** Of a plan on several nodes: each different plan once. */
function RunPlans({ run }: { readonly run: RunDetail }) {
  const isPlan = run.mode === 'plan' && run.nodeCount > 1;
  const merged = useMergedPlan(isPlan ? run : undefined);
  if (!isPlan || run.finishedAt === null) return null;
  return (
    <section className="hb-card hb-card-pad hb-stack" aria-label={t.plans}>
      <h2 className="hb-section-title">{t.plans}</h2>
      <QueryView query={merged} what={t.plans}>
        {({ groups }) => <MergedPlanView groups={groups} />}
      </QueryView>
    </section>
  );
}

function RunView({ run }: { readonly run: RunDetail }) {
  const title = run.mode === 'plan' ? t.planTitle(run.action) : t.title(run.action);
  return (
    <Page title={title} actions={<RunControls run={run} />}>
      <RunFacts run={run} />
      <RunWaits run={run} />
      <Progress run={run} />
      <RunPlans run={run} />
      <RunFailures run={run} />
      <RunTargets run={run} />
    </Page>
  );
}

export default function RunPage() {
  const id = usePathParam('id');
  const run = useRun(id);
  if (run.data !== undefined) return <RunView run={run.data} key={id} />;
  return (
    <Page title={texts.runs.title} isNarrow>
      <QueryView query={run}>{() => null}</QueryView>
    </Page>
  );
}
