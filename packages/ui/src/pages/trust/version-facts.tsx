import type { TrustVersion } from '@hauban/shared/api';
import type { ReactNode } from 'react';
import { visibleLine } from '../../format/visible-text.ts';
import { Facts } from '../../parts/page.tsx';
import { ruleSentence } from '../../parts/rule-words.ts';
import { Table } from '../../parts/table.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.trust;

/** The roles that owners sign, word by word; the built-in ones are what they always are. */
function SignedRoles({ roles }: { readonly roles: NonNullable<TrustVersion['access']>['roles'] }) {
  if (roles.length === 0) return <p className="hb-quiet">{t.builtInOnly}</p>;
  return (
    <Facts
      rows={roles.map(({ name, rules }) => [
        t.roleNamed(name),
        <div key={name}>
          {rules.map((rule) => (
            <p key={rule.name} className="hb-foreign">
              {ruleSentence(rule)}
            </p>
          ))}
        </div>,
      ])}
    />
  );
}

/** Which of the hoster's own actions run, and of which bytes. */
function PinnedActions({ pins }: { readonly pins: TrustVersion['custom'] }) {
  if (pins === null) return t.customEach;
  if (pins.length === 0) return t.noPins;
  return (
    <ul>
      {pins.map(({ name, hash, allowRoot }) => (
        <li key={name}>
          <span className="hb-foreign">{name}</span> <span className="hb-mono">{t.pinned(allowRoot, hash)}</span>
        </li>
      ))}
    </ul>
  );
}

/** Rules and people of one version. */
export function VersionFacts({
  bundle,
  more,
}: {
  readonly bundle: TrustVersion;
  readonly more: readonly (readonly [string, ReactNode])[];
}) {
  const { quorum, needs, operators, version, hash, access } = bundle;
  const roleOf = new Map(access?.people.map(({ id, role }) => [id, role]));
  const columns = [
    { key: 'name', title: t.person },
    { key: 'part', title: t.part },
    { key: 'role', title: t.role },
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
          [t.custom, <PinnedActions key="custom" pins={bundle.custom} />],
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
            <td data-label={t.role}>{visibleLine(roleOf.get(id) ?? texts.words.none, 64)}</td>
            <td data-label={t.passkeys} className="hb-number">
              {passkeys}
            </td>
          </tr>
        ))}
      </Table>
      {access === null ? <p className="hb-quiet">{t.noRoles}</p> : <SignedRoles roles={access.roles} />}
    </>
  );
}
