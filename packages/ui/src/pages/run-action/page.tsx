/** Run an action: fill in the form, see the plan of each node, confirm it, then watch it (on the run's own page). */
import type { ActionRow } from '@hauban/shared/api';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useActions } from '../../api/hooks.ts';
import { ActionTraits } from '../../parts/action-traits.tsx';
import { Notice, QueryView } from '../../parts/notices.tsx';
import { Page } from '../../parts/page.tsx';
import { usePathParam } from '../../parts/use-path-param.ts';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';
import { ConfirmRun } from './confirm-run.tsx';
import { PlanPanel } from './plan-panel.tsx';
import { RunForm } from './run-form.tsx';
import { ScheduleDialog } from './schedule-dialog.tsx';
import './run-action.css';
import { useRunAction } from './use-run-action.ts';

const t = texts.runAction;

function RunAction({ action }: { readonly action: ActionRow }) {
  const navigate = useNavigate();
  const model = useRunAction(action, (id) => void navigate({ to: paths.run(id) }));
  const [isConfirming, setIsConfirming] = useState(false);
  const [isScheduling, setIsScheduling] = useState(false);
  return (
    <Page
      title={t.title(action.name)}
      heading={
        <>
          {action.title} <span className="hb-mono hb-quiet hb-heading-code">{action.name}</span>
        </>
      }
      lead={action.docs}
    >
      <ActionTraits action={action} />
      <div className="hb-run-columns">
        <RunForm action={action} model={model} onSchedule={() => setIsScheduling(true)} />
        <PlanPanel action={action} model={model} onRun={() => setIsConfirming(true)} />
      </div>
      {isConfirming && model.request !== null ? (
        <ConfirmRun action={action} model={model} onClose={() => setIsConfirming(false)} />
      ) : null}
      {isScheduling && model.request !== null ? (
        <ScheduleDialog action={action} wanted={model.request} model={model} onClose={() => setIsScheduling(false)} />
      ) : null}
    </Page>
  );
}

export default function RunActionPage() {
  const name = usePathParam('action');
  const actions = useActions();
  const action = actions.data?.find((each) => each.name === name);
  if (action !== undefined) return <RunAction key={name} action={action} />;
  return (
    <Page title={t.title(name)} isNarrow>
      <QueryView query={actions}>{() => <Notice tone="warn">{t.unknown(name)}</Notice>}</QueryView>
    </Page>
  );
}
