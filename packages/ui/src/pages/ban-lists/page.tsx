/** Ban lists: what all nodes of some pools ban, also those that join or come back; owners make, bind and delete them. */
import type { BanListRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { useBanLists } from '../../api/ban-hooks.ts';
import { keys, useMe } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { DeleteDialog } from '../../parts/delete-dialog.tsx';
import { ListView } from '../../parts/list-view.tsx';
import { Page } from '../../parts/page.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import { useListKeys } from '../../parts/use-list-keys.ts';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';
import { BindDialog, MakeDialog } from './list-dialogs.tsx';
import { BanListTable } from './list-table.tsx';

const t = texts.banLists;

const fits = ({ name, pools }: BanListRow, text: string): boolean =>
  [name, ...pools.map((pool) => pool.name)].join(' ').toLowerCase().includes(text.trim().toLowerCase());

type Opened = { readonly kind: 'make' } | { readonly kind: 'bind' | 'delete'; readonly list: BanListRow };

function OpenedDialog({ opened, onClose }: { readonly opened: Opened | null; readonly onClose: () => void }) {
  const { api } = useServices();
  if (opened === null) return null;
  if (opened.kind === 'make') return <MakeDialog onClose={onClose} />;
  const { list } = opened;
  if (opened.kind === 'bind') return <BindDialog list={list} onClose={onClose} />;
  return (
    <DeleteDialog
      title={t.deleteTitle(list.name)}
      remove={() => api.deleteBanList(list.id)}
      list={keys.banLists}
      follows={keys.pools}
      onClose={onClose}
    >
      <p>{t.deleteText(list.entryCount, list.pools.length)}</p>
    </DeleteDialog>
  );
}

export default function BanListsPage() {
  const lists = useBanLists();
  const isOwner = useMe().data?.may.own === true;
  const [text, setText] = useState('');
  const [opened, setOpened] = useState<Opened | null>(null);
  const field = useRef<HTMLInputElement | null>(null);
  const rows = useRef<HTMLDivElement | null>(null);
  useListKeys(field, rows);
  const make = isOwner ? <Button onClick={() => setOpened({ kind: 'make' })}>{t.make}</Button> : null;
  const heads = (
    <>
      <Button component={Link} to={paths.bans} variant="default">
        {t.toBans}
      </Button>
      {make}
    </>
  );
  const acts = {
    onBind: (list: BanListRow) => setOpened({ kind: 'bind', list }),
    onDelete: (list: BanListRow) => setOpened({ kind: 'delete', list }),
  };
  const noneText = isOwner ? t.noneText : `${t.noneText} ${t.noneMine}`;
  return (
    <Page title={t.title} lead={t.lead} actions={heads} hasManyActions>
      <div className="hb-filters" role="search">
        <SearchField field={field} label={t.search} value={text} onChange={setText} />
      </div>
      <ListView
        query={lists}
        what={t.title}
        fits={(row) => fits(row, text)}
        none={{ title: t.none, text: noneText, action: make }}
        noMatch={t.noMatch}
        place={rows}
      >
        {(shown) => <BanListTable rows={shown} acts={isOwner ? acts : null} />}
      </ListView>
      <OpenedDialog opened={opened} onClose={() => setOpened(null)} />
    </Page>
  );
}
