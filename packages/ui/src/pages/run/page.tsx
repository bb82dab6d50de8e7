/** One run: what each node does, live, and how it ended. */
import type { RunDetail, RunTarget } from '@hauban/shared/api';
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useApprovals, useMe, useRun } from '../../api/hooks.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { DataView } from '../../parts/data-view.tsx';
import { QueryView } from '../../parts/notices.tsx';
import { Facts, Page } from '../../parts/page.tsx';
import { RunCounts } from '../../parts/state-marks.tsx';
import { isUnderWay } from '../../parts/target-state.ts';
import { TargetView } from '../../parts/target-view.tsx';
import { DateTime } from '../../parts/time-text.tsx';
import { usePathParam } from '../../parts/use-path-param.ts';
import { WaitsForApproval } from '../../parts/waits-for-approval.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';
import { needsLook, sortTargets } from './sort-targets.ts';

const t = texts.run;
/** Up to this many nodes are shown open. */
const OPEN_UP_TO = 3;
const SHOWN = 100;
/** More nodes than this are chosen anew. */
const MAX_AGAIN = 40;

const stateText: Readonly<Record<string, string>> = texts.targetState;

function Progress({ run }: { readonly run: RunDetail }) {
  const ready = run.targets.filter((target) => !isUnderWay(target)).length;
  if (run.targets.length < 2 || ready === run.targets.length) return null;
  return (
    <div className="hb-steps" role="status">
      <progress max={run.targets.length} value={ready} aria-label={t.progress(ready, run.targets.length)} />
      <span className="hb-quiet">{t.progress(ready, run.targets.length)}</span>
    </div>
  );
}

/** A run that waits for people has the id of what they approve. */
function RunWaits({ run }: { readonly run: RunDetail }) {
  const me = useMe();
  const mayWait = run.finishedAt === null && me.data?.may.operate === true;
  const approvals = useApprovals(mayWait);
  if (!mayWait || approvals.data?.some(({ id }) => id === run.id) !== true) return null;
  return <WaitsForApproval text={texts.approvals.runWaits} />;
}

function RunFacts({ run }: { readonly run: RunDetail }) {
  return (
    <div className="hb-card hb-card-pad hb-stack">
      <Facts
        rows={[
          [texts.words.state, <RunCounts key="counts" counts={run.counts} />],
          [texts.words.when, <DateTime key="at" at={run.createdAt} />],
          [
            texts.runs.by,
            <span key="by" className="hb-foreign">
              {visibleLine(run.requester, 100)}
            </span>,
          ],
          [
            texts.words.reason,
            <span key="why" className="hb-foreign">
              {run.reason === null ? texts.words.none : visibleLine(run.reason)}
            </span>,
          ],
        ]}
      />
      {Object.keys(run.args).length === 0 ? null : <DataView value={run.args} label={t.arguments} />}
    </div>
  );
}

function Targets({ targets }: { readonly targets: readonly RunTarget[] }) {
  const [searched, setSearched] = useState('');
  const [state, setState] = useState('');
  const states = [...new Set(targets.map((target) => target.state))];
  const shown = sortTargets(targets).filter(
    (target) =>
      (state === '' || target.state === state) && target.hostName.toLowerCase().includes(searched.toLowerCase()),
  );
  return (
    <>
      {targets.length > OPEN_UP_TO ? (
        <div className="hb-filters">
          <TextInput
            className="hb-filter-wide"
            type="search"
            aria-label={t.searchHost}
            placeholder={t.searchHost}
            value={searched}
            onChange={(event) => setSearched(event.currentTarget.value)}
          />
          <NativeSelect
            aria-label={t.filterState}
            value={state}
            onChange={(event) => setState(event.currentTarget.value)}
            data={[
              { value: '', label: `${texts.words.state}: ${texts.words.any}` },
              ...states.map((each) => ({ value: each, label: stateText[each] ?? each })),
            ]}
          />
        </div>
      ) : null}
      {shown.slice(0, SHOWN).map((target) => (
        <TargetView
          key={`${target.orderId} ${needsLook(target)}`}
          target={target}
          isOpen={targets.length <= OPEN_UP_TO || needsLook(target)}
        />
      ))}
      {shown.length > SHOWN ? <p className="hb-quiet">{texts.words.truncated(shown.length - SHOWN)}</p> : null}
    </>
  );
}

function RunView({ run }: { readonly run: RunDetail }) {
  const title = run.mode === 'plan' ? t.planTitle(run.action) : t.title(run.action);
  const nodes = run.targets.length > MAX_AGAIN ? [] : run.targets.map((target) => target.nodeId);
  return (
    <Page
      title={title}
      actions={
        <Button component={Link} to={paths.runAction(run.action, nodes, run.args)} variant="default">
          {t.again}
        </Button>
      }
    >
      <RunFacts run={run} />
      <RunWaits run={run} />
      <Progress run={run} />
      <Targets targets={run.targets} />
    </Page>
  );
}

export default function RunPage() {
  const id = usePathParam('id');
  const run = useRun(id);
  if (run.data !== undefined) return <RunView run={run.data} />;
  return (
    <Page title={texts.runs.title} isNarrow>
      <QueryView query={run}>{() => null}</QueryView>
    </Page>
  );
}
