import type { PersonRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { visibleLine } from '../../format/visible-text.ts';
import { Mark } from '../../parts/mark.tsx';
import { Table } from '../../parts/table.tsx';
import { RelativeTime } from '../../parts/time-text.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.people;

function waysOf({ passkeys, hasPassword, signOns }: PersonRow): string {
  const elsewhere = texts.signOn.count(signOns);
  if (signOns > 0 && passkeys === 0 && !hasPassword) return elsewhere;
  return signOns === 0 ? t.waysOf(passkeys, hasPassword) : `${t.waysOf(passkeys, hasPassword)}, ${elsewhere}`;
}

export function PeopleTable({
  rows,
  myId,
  onOpen,
}: {
  readonly rows: readonly PersonRow[];
  readonly myId: string | undefined;
  readonly onOpen: (person: PersonRow) => void;
}) {
  const columns = [
    { key: 'name', title: t.name },
    { key: 'role', title: t.role },
    { key: 'state', title: t.state },
    { key: 'ways', title: t.ways },
    { key: 'sessions', title: t.sessions, isNumber: true },
    { key: 'tokens', title: t.tokens, isNumber: true },
    { key: 'seen', title: t.seen },
    { key: 'open', title: '' },
  ];
  return (
    <div className="hb-card">
      <Table label={t.title} columns={columns}>
        {rows.map((person) => (
          <tr key={person.id}>
            <td>
              <strong className="hb-foreign">{visibleLine(person.name, 64)}</strong>
              {person.id === myId ? <span className="hb-quiet"> {t.you}</span> : null}
            </td>
            <td data-label={t.role}>{visibleLine(person.role, 64)}</td>
            <td data-label={t.state}>
              <Mark tone={person.state === 'active' ? 'ok' : 'idle'} word={t.states[person.state]} />
            </td>
            <td data-label={t.ways} className="hb-quiet">
              {waysOf(person)}
            </td>
            <td data-label={t.sessions} className="hb-number">
              {person.sessions}
            </td>
            <td data-label={t.tokens} className="hb-number">
              {person.tokens}
            </td>
            <td data-label={t.seen} className="hb-quiet">
              <RelativeTime at={person.lastSeenAt} />
            </td>
            <td data-end className="hb-number">
              <Button size="compact-sm" variant="default" onClick={() => onOpen(person)}>
                {t.open}
              </Button>
            </td>
          </tr>
        ))}
      </Table>
    </div>
  );
}
