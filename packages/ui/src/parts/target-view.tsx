import type { RunTarget } from '@hauban/shared/api';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { formatDuration } from '../format/time.ts';
import { visibleLine, visibleText } from '../format/visible-text.ts';
import { paths } from '../paths.ts';
import { texts } from '../texts/index.ts';
import { DataView } from './data-view.tsx';
import { Mark } from './mark.tsx';
import { Notice } from './notices.tsx';
import { PlanView } from './plan-view.tsx';
import { ProgressLine } from './progress-line.tsx';
import { lookOf } from './order-look.ts';
import { TargetStateMark } from './state-marks.tsx';

const t = texts.run;

/** Where a working node is: its step and how far. */
function Steps({ target }: { readonly target: RunTarget }) {
  if (target.state !== 'started' || target.stepTotal === 0) return null;
  const step = target.step === null ? '' : visibleLine(target.step, 200);
  return (
    <ProgressLine
      label={t.step(target.stepDone, target.stepTotal)}
      more={step}
      value={target.stepDone}
      max={target.stepTotal}
    />
  );
}

/** The last of what its programs print, while they run. */
function Output({ target }: { readonly target: RunTarget }) {
  if (target.output === undefined || target.finishedAt !== null) return null;
  return (
    <section className="hb-stack">
      <h3 className="hb-section-title">{t.output}</h3>
      <pre className="hb-foreign hb-mono hb-lines">{visibleText(target.output)}</pre>
    </section>
  );
}

/** What went wrong or was refused, with its code. */
function Outcome({ target }: { readonly target: RunTarget }) {
  if (target.detail === '' && target.code === null) return null;
  const { tone } = lookOf(target.state);
  const foot =
    target.code === null ? undefined : (
      <span className="hb-mono">{texts.errors.code(visibleLine(target.code, 64))}</span>
    );
  const detail = <span className="hb-foreign hb-lines">{visibleText(target.detail)}</span>;
  if (tone === 'ok' && target.code === null) return <p className="hb-quiet">{detail}</p>;
  return (
    <Notice tone={tone} foot={foot}>
      {detail}
    </Notice>
  );
}

function Verification({ target }: { readonly target: RunTarget }) {
  if (target.verification.length === 0) return null;
  return (
    <section>
      <h3 className="hb-section-title">{t.verification}</h3>
      <ul className="hb-checks">
        {target.verification.map((check) => (
          <li key={check.name}>
            <span className="hb-row">
              <Mark tone={check.ok ? 'ok' : 'bad'} word="" hint={check.ok ? t.verified : t.notVerified} />
              <span className="hb-visually-hidden">{check.ok ? t.verified : t.notVerified}</span>
              <span className="hb-foreign">{visibleLine(check.name, 200)}</span>
            </span>
            <span className="hb-quiet hb-foreign">{visibleLine(check.saw, 2000)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

const hasData = (data: unknown): boolean =>
  data !== null &&
  data !== undefined &&
  !(typeof data === 'object' && Object.keys(data).length === 0 && !Array.isArray(data));

function TargetBody({ target }: { readonly target: RunTarget }) {
  return (
    <>
      <Steps target={target} />
      <Output target={target} />
      {target.harm === null ? null : <Notice tone="bad">{visibleLine(target.harm, 500)}</Notice>}
      <Outcome target={target} />
      <Verification target={target} />
      {hasData(target.data) ? (
        <section className="hb-stack">
          <h3 className="hb-section-title">{t.data}</h3>
          <DataView value={target.data} label={t.data} />
        </section>
      ) : null}
      {target.plan === null || (target.plan.changes.length === 0 && target.plan.notes.length === 0) ? null : (
        <section className="hb-stack">
          <h3 className="hb-section-title">
            {t.planShown} <span className="hb-quiet hb-small">{texts.plan.changes(target.plan.changes.length)}</span>
          </h3>
          <PlanView plan={target.plan} />
        </section>
      )}
    </>
  );
}

/** As the run counts it. */
const countedAs = ({ state, harm, undoes }: RunTarget): string =>
  undoes !== null ? `undo-${state}` : harm === null ? state : 'harmed';

function Head({ target }: { readonly target: RunTarget }): ReactNode {
  const took =
    target.startedAt === null || target.finishedAt === null
      ? null
      : formatDuration(target.finishedAt - target.startedAt);
  return (
    <>
      <TargetStateMark state={countedAs(target)} isBoxed />
      <Link to={paths.node(target.nodeId)} className="hb-row-link hb-foreign">
        {visibleLine(target.hostName, 100)}
      </Link>
      {took === null ? null : <span className="hb-quiet hb-small">{t.took(took)}</span>}
      {target.code === null ? null : <span className="hb-mono hb-small hb-quiet">{visibleLine(target.code, 64)}</span>}
    </>
  );
}

/** What one node does or did. Closed targets show one line; a failed one opens by itself. */
export function TargetView({ target, isOpen }: { readonly target: RunTarget; readonly isOpen: boolean }) {
  return (
    <section className="hb-card hb-target" aria-label={visibleLine(target.hostName, 100)}>
      <details open={isOpen}>
        <summary className="hb-target-head">
          <Head target={target} />
        </summary>
        <div className="hb-target-body">
          <TargetBody target={target} />
        </div>
      </details>
    </section>
  );
}
