import type { TrustState } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { startAuthentication } from '@simplewebauthn/browser';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { ApprovalProblem } from '../../parts/approval-problem.tsx';
import { DateTime } from '../../parts/time-text.tsx';
import { texts } from '../../texts/index.ts';
import { VersionFacts } from './version-facts.tsx';

const t = texts.trust;

/** What owners approve: the draft as it is shown here, by its hash, and no other. */
export function DraftCard({ draft }: { readonly draft: NonNullable<TrustState['draft']> }) {
  const { api } = useServices();
  const client = useQueryClient();
  const { bundle, approvedBy, needed } = draft;
  const approve = useMutation({
    mutationFn: async () =>
      api.approveTrust(bundle.hash, await startAuthentication({ optionsJSON: await api.trustOptions() })),
    onSuccess: (state) => client.setQueryData(keys.trust, state),
  });
  const names = approvedBy.map((name) => visibleLine(name, 64)).join(', ') || texts.words.none;
  return (
    <section className="hb-card hb-card-pad hb-stack" aria-label={t.draft(bundle.version)}>
      <h2 className="hb-section-title">{t.draft(bundle.version)}</h2>
      <VersionFacts
        bundle={bundle}
        more={[
          [
            t.drafted,
            <span key="drafted">
              <span className="hb-foreign">{visibleLine(draft.draftedBy, 64)}</span> <DateTime at={draft.draftedAt} />
            </span>,
          ],
          [t.approvals, t.approvalsOf(names, approvedBy.length, needed)],
        ]}
      />
      <ApprovalProblem error={approve.error} />
      <div>
        <Button loading={approve.isPending} onClick={() => approve.mutate()}>
          {t.approve}
        </Button>
      </div>
    </section>
  );
}
