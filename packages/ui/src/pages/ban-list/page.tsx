/** One ban list: what is on it, which nodes have it by now; entries are added, pasted and taken off here. */
import type { BanListRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { useState } from 'react';
import { useBanList } from '../../api/ban-hooks.ts';
import { useMe } from '../../api/hooks.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { ErrorNotice, QueryView } from '../../parts/notices.tsx';
import { Page } from '../../parts/page.tsx';
import { usePathParam } from '../../parts/use-path-param.ts';
import { texts } from '../../texts/index.ts';
import './ban-list.css';
import { ChangeDialog, type ChangeKind } from './change-dialog.tsx';
import { EntryTable } from './entry-table.tsx';
import { ListProgress } from './list-progress.tsx';

const t = texts.banList;

function BanListView({ list, error }: { readonly list: BanListRow; readonly error: unknown }) {
  const mayAct = useMe().data?.may.operate === true;
  const [opened, setOpened] = useState<ChangeKind | null>(null);
  const actions = mayAct ? (
    <>
      <Button variant="default" disabled={list.entryCount === 0} onClick={() => setOpened('take')}>
        {t.takeMany}
      </Button>
      <Button onClick={() => setOpened('add')}>{t.add}</Button>
    </>
  ) : undefined;
  return (
    <Page title={visibleLine(list.name, 40)} lead={t.count(list.entryCount)} actions={actions} hasManyActions>
      {error === null ? null : <ErrorNotice error={error} />}
      <ListProgress list={list} />
      <EntryTable list={list} mayAct={mayAct} />
      {opened === null ? null : <ChangeDialog list={list} kind={opened} onClose={() => setOpened(null)} />}
    </Page>
  );
}

export default function BanListPage() {
  const id = usePathParam('id');
  const list = useBanList(id);
  if (list.data !== undefined) return <BanListView key={id} list={list.data} error={list.error} />;
  return (
    <Page title={t.unnamed} isNarrow>
      <QueryView query={list}>{() => null}</QueryView>
    </Page>
  );
}
