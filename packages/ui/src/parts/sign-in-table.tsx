import type { SignInRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { browserName } from '../format/browser-name.ts';
import { visibleLine } from '../format/visible-text.ts';
import { texts } from '../texts/index.ts';
import { Table } from './table.tsx';
import { RelativeTime } from './time-text.tsx';

const t = texts.signIns;

/** How a session was opened, in words. */
function wayText(way: string | null): string {
  const { ways, wayUnknown } = texts.signOn;
  if (way === 'passkey' || way === 'password') return ways[way];
  return way === null ? wayUnknown : visibleLine(way.replace(/^oidc:/, ''), 40);
}

/** What it says of itself in short, and word for word on demand. */
function Program({ userAgent }: { readonly userAgent: string }) {
  const name = browserName(userAgent);
  if (userAgent === '') return name;
  return (
    <details>
      <summary>{name}</summary>
      <span className="hb-foreign hb-small">{visibleLine(userAgent, 300)}</span>
    </details>
  );
}

/** Where somebody is signed in; each can be ended. */
export function SignInTable({
  rows,
  busyId,
  onEnd,
}: {
  readonly rows: readonly SignInRow[];
  readonly busyId: string | undefined;
  readonly onEnd: (id: string) => void;
}) {
  if (rows.length === 0) return <p className="hb-quiet hb-card-pad">{t.none}</p>;
  const columns = [
    { key: 'from', title: t.from },
    { key: 'program', title: t.program },
    { key: 'way', title: texts.signOn.way },
    { key: 'since', title: t.since },
    { key: 'used', title: t.used },
    { key: 'end', title: '' },
  ];
  return (
    <Table label={t.label} columns={columns}>
      {rows.map((row) => (
        <tr key={row.id}>
          <td>
            <span className="hb-foreign hb-nowrap">{visibleLine(row.address, 64)}</span>
            {row.isThis ? <span className="hb-quiet"> {t.thisOne}</span> : null}
          </td>
          <td data-label={t.program} data-wide className="hb-quiet">
            <Program userAgent={row.userAgent} />
          </td>
          <td data-label={texts.signOn.way} className="hb-quiet hb-foreign">
            {wayText(row.way)}
          </td>
          <td data-label={t.since} className="hb-quiet">
            <RelativeTime at={row.createdAt} />
          </td>
          <td data-label={t.used} className="hb-quiet">
            <RelativeTime at={row.lastUsedAt} />
          </td>
          <td data-end className="hb-number">
            <Button
              size="compact-sm"
              variant="default"
              loading={busyId === row.id}
              disabled={row.isThis}
              onClick={() => onEnd(row.id)}
            >
              {t.end}
            </Button>
          </td>
        </tr>
      ))}
    </Table>
  );
}
