/** The policy bundle: what is in force, what is missing, the next version. For owners. */
import type { TrustState } from '@hauban/shared/api';
import { useQuery } from '@tanstack/react-query';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { Notice, QueryView } from '../../parts/notices.tsx';
import { Page } from '../../parts/page.tsx';
import { DateTime } from '../../parts/time-text.tsx';
import { texts } from '../../texts/index.ts';
import { AuthorityCard, LinkKeyCard } from './authority-card.tsx';
import { DraftCard } from './draft-card.tsx';
import { DraftForm } from './draft-form.tsx';
import { NodesBehind } from './nodes-behind.tsx';
import { VersionFacts } from './version-facts.tsx';

const t = texts.trust;

function Missing({ missing }: { readonly missing: readonly string[] }) {
  return (
    <section className="hb-stack" aria-label={t.missing}>
      <h2 className="hb-section-title">{t.missing}</h2>
      {missing.length === 0 ? <Notice tone="ok">{t.nothingMissing}</Notice> : null}
      {missing.map((sentence) => (
        <Notice key={sentence} tone="warn">
          <span className="hb-foreign">{visibleLine(sentence, 1000)}</span>
        </Notice>
      ))}
    </section>
  );
}

function InForce({ current }: { readonly current: TrustState['current'] }) {
  if (current === null) return <p className="hb-quiet">{t.none}</p>;
  return (
    <section className="hb-card hb-card-pad hb-stack" aria-label={t.inForce(current.version)}>
      <h2 className="hb-section-title">{t.inForce(current.version)}</h2>
      <VersionFacts bundle={current} more={[[t.since, <DateTime key="since" at={current.issuedAt} />]]} />
    </section>
  );
}

export default function TrustPage() {
  const { api } = useServices();
  const trust = useQuery({ queryKey: keys.trust, queryFn: () => api.trust(), refetchInterval: 10_000 });
  return (
    <Page title={t.title} lead={t.lead} isNarrow>
      <QueryView query={trust} what={t.title}>
        {(state) => (
          <>
            <Missing missing={state.missing} />
            <InForce current={state.current} />
            {state.draft === null ? null : <DraftCard draft={state.draft} />}
            <DraftForm key={(state.draft?.bundle ?? state.current)?.hash ?? ''} state={state} />
            <AuthorityCard authority={state.authority} />
            <LinkKeyCard linkKey={state.linkKey} />
            {state.current === null ? null : <NodesBehind version={state.current.version} nodes={state.nodes} />}
          </>
        )}
      </QueryView>
    </Page>
  );
}
