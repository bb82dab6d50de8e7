import type { TrustState } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { startAuthentication } from '@simplewebauthn/browser';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { ApprovalProblem } from '../../parts/approval-problem.tsx';
import { Facts } from '../../parts/page.tsx';
import { DateTime } from '../../parts/time-text.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.trust;
type Authority = TrustState['authority'];

/** What owners approve: the next key as it is shown here, by its hash, and no other. */
function NextKey({ draft }: { readonly draft: NonNullable<Authority['draft']> }) {
  const { api } = useServices();
  const client = useQueryClient();
  const { hash, version, approvedBy, needed } = draft;
  const approve = useMutation({
    mutationFn: async () =>
      api.approveAuthority(hash, await startAuthentication({ optionsJSON: await api.authorityOptions() })),
    onSuccess: (state) => client.setQueryData(keys.trust, state),
  });
  const names = approvedBy.map((name) => visibleLine(name, 64)).join(', ') || texts.words.none;
  return (
    <section className="hb-card hb-card-pad hb-stack" aria-label={t.nextKey(version)}>
      <h2 className="hb-section-title">{t.nextKey(version)}</h2>
      <Facts
        rows={[
          [
            t.drafted,
            <span key="drafted">
              <span className="hb-foreign">{visibleLine(draft.draftedBy, 64)}</span> <DateTime at={draft.draftedAt} />
            </span>,
          ],
          [t.oldTaken, <DateTime key="retire" at={draft.retireAt} />],
          [t.approvals, t.approvalsOf(names, approvedBy.length, needed)],
          [
            t.fingerprint,
            <span key="hash" className="hb-mono">
              {hash}
            </span>,
          ],
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

/** The key that this controller proves itself with: its age, and who follows it. */
export function LinkKeyCard({ linkKey }: { readonly linkKey: TrustState['linkKey'] }) {
  const { version, since, retireAt, followed, nodes } = linkKey;
  return (
    <section className="hb-card hb-card-pad hb-stack" aria-label={t.linkKey}>
      <h2 className="hb-section-title">{t.linkKey}</h2>
      <p className="hb-quiet">{t.linkKeyLead}</p>
      <Facts
        rows={[
          [t.keyVersion, version],
          [t.since, since === null ? t.firstKey : <DateTime key="since" at={since} />],
          [t.linkFollowers, t.followersOf(followed, nodes)],
          ...(retireAt === null ? [] : [[t.oldTaken, <DateTime key="retire" at={retireAt} />] as const]),
        ]}
      />
    </section>
  );
}

/** The key that nodes obey: its age, who follows it, and the next one when there is a draft. */
export function AuthorityCard({ authority }: { readonly authority: Authority }) {
  const { version, since, retireAt, followed, nodes, draft } = authority;
  return (
    <>
      {draft === null ? null : <NextKey draft={draft} />}
      <section className="hb-card hb-card-pad hb-stack" aria-label={t.authority}>
        <h2 className="hb-section-title">{t.authority}</h2>
        <p className="hb-quiet">{t.authorityLead}</p>
        <Facts
          rows={[
            [t.keyVersion, version],
            [t.since, since === null ? t.firstKey : <DateTime key="since" at={since} />],
            [t.followers, t.followersOf(followed, nodes)],
            ...(retireAt === null ? [] : [[t.oldTaken, <DateTime key="retire" at={retireAt} />] as const]),
          ]}
        />
      </section>
    </>
  );
}
