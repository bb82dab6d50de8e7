import type { TrustVersion } from '@hauban/shared/api';
import type { ReactNode } from 'react';
import { visibleLine } from '../../format/visible-text.ts';
import { Facts } from '../../parts/page.tsx';
import { Table } from '../../parts/table.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.trust;

/** Rules and people of one version. */
export function VersionFacts({
  bundle,
  more,
}: {
  readonly bundle: TrustVersion;
  readonly more: readonly (readonly [string, ReactNode])[];
}) {
  const { quorum, needs, operators, version, hash } = bundle;
  const columns = [
    { key: 'name', title: t.person },
    { key: 'part', title: t.part },
    { key: 'passkeys', title: t.passkeys, isNumber: true },
  ];
  return (
    <>
      <Facts
        rows={[
          ...more,
          [t.quorum, quorum],
          [t.high, needs.high],
          [t.rootShell, needs.rootShell],
          [t.shell, needs.shell],
          [t.own, bundle.requesterMayApprove ? t.ownYes : t.ownNo],
          [
            t.fingerprint,
            <span key="hash" className="hb-mono">
              {hash}
            </span>,
          ],
        ]}
      />
      <Table label={t.people(version)} columns={columns}>
        {operators.map(({ id, name, isOwner, passkeys }) => (
          <tr key={id}>
            <td className="hb-foreign">{visibleLine(name, 64)}</td>
            <td data-label={t.part}>{isOwner ? t.owner : t.operator}</td>
            <td data-label={t.passkeys} className="hb-number">
              {passkeys}
            </td>
          </tr>
        ))}
      </Table>
    </>
  );
}
