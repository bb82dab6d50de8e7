import type { ApprovalOutcome, ApprovalRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { startAuthentication } from '@simplewebauthn/browser';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keys, useMe } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { ApprovalProblem } from '../../parts/approval-problem.tsx';
import { Facts } from '../../parts/page.tsx';
import { ProveDialog } from '../../parts/prove-dialog.tsx';
import { DateTime } from '../../parts/time-text.tsx';
import { texts } from '../../texts/index.ts';
import { DenyDialog } from './deny-dialog.tsx';

const t = texts.approvals;
/** What is approved is never shown cut short. */
const WHOLE = Number.POSITIVE_INFINITY;

function Statement({ row }: { readonly row: ApprovalRow }) {
  const [what, ...rest] = row.words.map((line) => visibleLine(line, WHOLE));
  const missing = Math.max(0, row.needed - row.approvedBy.length);
  return (
    <>
      <h2 className="hb-section-title hb-foreign">{what}</h2>
      <div>
        {rest.map((line) => (
          <p key={line} className="hb-foreign">
            {line}
          </p>
        ))}
      </div>
      <Facts
        rows={[
          [t.askedBy, <DateTimeBy key="by" name={row.requester} at={row.askedAt} />],
          [t.until, <DateTime key="until" at={row.expiresAt} />],
          [t.missing, row.byAnother ? t.missingOther(missing) : t.missingOf(missing, row.needed)],
          [t.approvedBy, row.approvedBy.map((name) => visibleLine(name, 64)).join(', ') || texts.words.none],
        ]}
      />
    </>
  );
}

function DateTimeBy({ name, at }: { readonly name: string; readonly at: number }) {
  return (
    <>
      <span className="hb-foreign">{visibleLine(name, 64)}</span> <DateTime at={at} />
    </>
  );
}

/** One request: what is asked, word by word as it is signed, and the answers to it. */
export function ApprovalCard({
  row,
  onDone,
}: {
  readonly row: ApprovalRow;
  readonly onDone: (outcome: ApprovalOutcome) => void;
}) {
  const { api } = useServices();
  const client = useQueryClient();
  const me = useMe().data ?? null;
  const [isDenying, setIsDenying] = useState(false);
  const [isProving, setIsProving] = useState(false);
  const answered = async (outcome: ApprovalOutcome): Promise<void> => {
    onDone(outcome);
    await client.invalidateQueries({ queryKey: keys.approvals });
  };
  const approve = useMutation({
    mutationFn: async () =>
      api.approve(row.id, { passkey: await startAuthentication({ optionsJSON: await api.approvalOptions(row.id) }) }),
    onSuccess: answered,
  });
  return (
    <section className="hb-card hb-card-pad hb-stack" aria-label={visibleLine(row.words[0] ?? '', 200)}>
      <Statement row={row} />
      <ApprovalProblem error={approve.error} />
      {row.mayApprove ? null : <p className="hb-quiet">{t.mayNot}</p>}
      <div className="hb-row">
        <Button
          loading={approve.isPending}
          disabled={!row.mayApprove}
          onClick={() => (row.byPassword ? setIsProving(true) : approve.mutate())}
        >
          {t.approve}
        </Button>
        <Button variant="default" onClick={() => setIsDenying(true)}>
          {t.deny}
        </Button>
      </div>
      {isProving && me !== null ? (
        <ProveDialog
          me={me}
          title={t.proveTitle}
          verb={t.approve}
          onClose={() => setIsProving(false)}
          onProof={async ({ password, code }) => {
            const outcome = await api.approve(row.id, {
              password: password ?? '',
              ...(code === undefined ? {} : { code }),
            });
            setIsProving(false);
            await answered(outcome);
          }}
        />
      ) : null}
      {isDenying ? <DenyDialog id={row.id} onClose={() => setIsDenying(false)} onDone={answered} /> : null}
    </section>
  );
}
