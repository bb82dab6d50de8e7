import type { Me, SignOnProviderList, SignOnRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keys, useSignOnProviders } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { QueryView } from '../../parts/notices.tsx';
import { Table } from '../../parts/table.tsx';
import { RelativeTime } from '../../parts/time-text.tsx';
import { texts } from '../../texts/index.ts';
import { ProveDialog } from '../../parts/prove-dialog.tsx';

const t = texts.signOn;

type NameOf = (provider: string) => string;

function SignOnTable({
  rows,
  nameOf,
  canProve,
  onUnlink,
}: {
  readonly rows: readonly SignOnRow[];
  readonly nameOf: NameOf;
  readonly canProve: boolean;
  readonly onUnlink: (row: SignOnRow) => void;
}) {
  const columns = [
    { key: 'provider', title: t.provider },
    { key: 'subject', title: t.subject },
    { key: 'linked', title: t.linked },
    { key: 'used', title: t.used },
    { key: 'unlink', title: '' },
  ];
  if (rows.length === 0) return <p className="hb-quiet hb-card-pad">{t.none}</p>;
  return (
    <Table label={t.mine} columns={columns}>
      {rows.map((row) => (
        <tr key={row.id}>
          <td className="hb-foreign">{nameOf(row.provider)}</td>
          <td data-label={t.subject} className="hb-quiet hb-foreign">
            {visibleLine(row.subject, 64)}
          </td>
          <td data-label={t.linked} className="hb-quiet">
            <RelativeTime at={row.createdAt} />
          </td>
          <td data-label={t.used} className="hb-quiet">
            <RelativeTime at={row.lastUsedAt} />
          </td>
          <td data-end className="hb-number">
            <Button size="compact-sm" variant="default" disabled={!canProve} onClick={() => onUnlink(row)}>
              {t.unlink}
            </Button>
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** What the reader is about to do, once they have shown that it is them. */
type Step =
  | { readonly kind: 'link'; readonly provider: SignOnProviderList[number] }
  | { readonly kind: 'unlink'; readonly row: SignOnRow };

function StepDialog({
  step,
  me,
  nameOf,
  onClose,
}: {
  readonly step: Step;
  readonly me: Me;
  readonly nameOf: NameOf;
  readonly onClose: () => void;
}) {
  const { api } = useServices();
  const client = useQueryClient();
  if (step.kind === 'link') {
    const { id, name } = step.provider;
    const title = t.link(visibleLine(name, 60));
    return (
      <ProveDialog
        me={me}
        title={title}
        verb={title}
        onProof={async (proof) => location.assign((await api.linkSignOn(id, proof)).url)}
        onClose={onClose}
      />
    );
  }
  return (
    <ProveDialog
      me={me}
      title={t.unlinkTitle(nameOf(step.row.provider))}
      verb={t.unlink}
      text={t.unlinkText}
      isDanger
      onProof={async (proof) => {
        await api.unlinkSignOn(step.row.id, proof);
        await client.invalidateQueries({ queryKey: keys.mySignOns });
        await client.invalidateQueries({ queryKey: keys.me });
        onClose();
      }}
      onClose={onClose}
    />
  );
}

/** Accounts at identity providers that sign the reader in; nothing where there is neither a provider nor a link. */
export function OwnSignOns({ me }: { readonly me: Me }) {
  const { api } = useServices();
  const providers = useSignOnProviders();
  const mine = useQuery({ queryKey: keys.mySignOns, queryFn: () => api.mySignOns() });
  const [step, setStep] = useState<Step | null>(null);
  const known = providers.data ?? [];
  const canProve = me.hasPasskey || me.hasPassword;
  const nameOf: NameOf = (provider) => visibleLine(known.find(({ id }) => id === provider)?.name ?? provider, 60);
  if (known.length === 0 && !me.hasSignOn) return null;
  return (
    <section className="hb-stack" aria-label={t.mine}>
      <h2 className="hb-section-title">{t.mine}</h2>
      <p className="hb-quiet">{canProve ? t.mineText : t.noProof}</p>
      <div className="hb-row">
        {known.map((provider) => (
          <Button
            key={provider.id}
            variant="default"
            disabled={!canProve}
            onClick={() => setStep({ kind: 'link', provider })}
          >
            {t.link(visibleLine(provider.name, 60))}
          </Button>
        ))}
      </div>
      <div className="hb-card">
        <QueryView query={mine}>
          {(rows) => (
            <SignOnTable
              rows={rows}
              nameOf={nameOf}
              canProve={canProve}
              onUnlink={(row) => setStep({ kind: 'unlink', row })}
            />
          )}
        </QueryView>
      </div>
      {step === null ? null : <StepDialog step={step} me={me} nameOf={nameOf} onClose={() => setStep(null)} />}
    </section>
  );
}
