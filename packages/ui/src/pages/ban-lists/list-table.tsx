import type { BanListRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { visibleLine } from '../../format/visible-text.ts';
import { Table } from '../../parts/table.tsx';
import { DateTime } from '../../parts/time-text.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.banLists;

/** What an owner is asked to do with a list. */
export interface OwnerActs {
  readonly onBind: (list: BanListRow) => void;
  readonly onDelete: (list: BanListRow) => void;
}

function Pools({ list }: { readonly list: BanListRow }) {
  if (list.pools.length === 0) return <span className="hb-quiet">{t.noPools}</span>;
  return list.pools.map(({ id, name }, index) => (
    <span key={id}>
      {index === 0 ? '' : ', '}
      <Link to={paths.pool(id)} className="hb-foreign">
        {visibleLine(name, 40)}
      </Link>
    </span>
  ));
}

function OwnerButtons({ list, acts }: { readonly list: BanListRow; readonly acts: OwnerActs }) {
  return (
    <span className="hb-row hb-end">
      <Button size="compact-sm" variant="default" onClick={() => acts.onBind(list)}>
        {t.bind}
      </Button>
      <Button size="compact-sm" variant="default" onClick={() => acts.onDelete(list)}>
        {texts.words.delete}
      </Button>
    </span>
  );
}

function ListLine({ list, acts }: { readonly list: BanListRow; readonly acts: OwnerActs | null }) {
  return (
    <tr>
      <td>
        <Link to={paths.banList(list.id)} className="hb-row-link hb-foreign" data-row-link>
          {visibleLine(list.name, 40)}
        </Link>
      </td>
      <td data-end className="hb-number">
        {texts.words.items(list.entryCount)}
      </td>
      <td data-wide data-label={t.pools}>
        <Pools list={list} />
      </td>
      <td data-wide data-label={t.made} className="hb-quiet">
        <DateTime at={list.createdAt} /> <span className="hb-foreign">{visibleLine(list.createdBy, 64)}</span>
      </td>
      {acts === null ? null : (
        <td data-end className="hb-number">
          <OwnerButtons list={list} acts={acts} />
        </td>
      )}
    </tr>
  );
}

/** @param props.acts null: the reader is no owner */
export function BanListTable({
  rows,
  acts,
}: {
  readonly rows: readonly BanListRow[];
  readonly acts: OwnerActs | null;
}) {
  const columns = [
    { key: 'name', title: t.name },
    { key: 'entries', title: t.entries, isNumber: true },
    { key: 'pools', title: t.pools },
    { key: 'made', title: t.made },
    ...(acts === null ? [] : [{ key: 'acts', title: '' }]),
  ];
  return (
    <Table label={t.title} columns={columns}>
      {rows.map((list) => (
        <ListLine key={list.id} list={list} acts={acts} />
      ))}
    </Table>
  );
}
