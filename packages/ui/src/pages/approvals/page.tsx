/** Runs and shells that wait for people: what, by whom, until when, and the two answers. */
import type { ApprovalOutcome } from '@hauban/shared/api';
import { useState } from 'react';
import { useApprovals } from '../../api/hooks.ts';
import { EmptyState, Notice, QueryView } from '../../parts/notices.tsx';
import { Page } from '../../parts/page.tsx';
import { texts } from '../../texts/index.ts';
import { ApprovalCard } from './approval-card.tsx';
import { outcomeText } from './outcome-text.ts';

const t = texts.approvals;

export default function ApprovalsPage() {
  const approvals = useApprovals(true);
  // What was answered leaves the list: how it ended is said above it.
  const [outcome, setOutcome] = useState<ApprovalOutcome | null>(null);
  return (
    <Page title={t.title} lead={t.lead} isNarrow>
      {outcome === null ? null : <Notice tone="ok">{outcomeText(outcome)}</Notice>}
      <QueryView query={approvals} what={t.title}>
        {(rows) =>
          rows.length === 0 ? (
            <EmptyState title={t.none}>{t.noneText}</EmptyState>
          ) : (
            rows.map((row) => <ApprovalCard key={row.id} row={row} onDone={setOutcome} />)
          )
        }
      </QueryView>
    </Page>
  );
}
