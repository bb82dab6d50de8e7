/** Maintenance windows: when nodes may be changed, as a picture of the next days and in words; owners make and delete them. */
import type { WindowRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { keys, useMe } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { useWindows } from '../../api/time-hooks.ts';
import { DeleteDialog } from '../../parts/delete-dialog.tsx';
import { ListView } from '../../parts/list-view.tsx';
import { Page } from '../../parts/page.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';
import { WindowDays } from './window-days.tsx';
import { WindowDialog } from './window-dialog.tsx';
import { WindowTable } from './window-table.tsx';

const t = texts.windows;

export default function WindowsPage() {
  const { api } = useServices();
  const windows = useWindows();
  const isOwner = useMe().data?.may.own === true;
  const [isMaking, setIsMaking] = useState(false);
  const [removing, setRemoving] = useState<WindowRow | null>(null);
  const make = isOwner ? <Button onClick={() => setIsMaking(true)}>{t.make}</Button> : null;
  const heads = (
    <>
      <Button component={Link} to={paths.schedules} variant="default">
        {t.toSchedules}
      </Button>
      {make}
    </>
  );
  const noneText = isOwner ? t.noneText : `${t.noneText} ${t.noneMine}`;
  return (
    <Page title={t.title} lead={t.lead} actions={heads} hasManyActions>
      <ListView query={windows} what={t.title} none={{ title: t.none, text: noneText, action: make }}>
        {(rows) => (
          <>
            <WindowDays rows={rows} />
            <WindowTable rows={rows} onRemove={isOwner ? setRemoving : null} />
          </>
        )}
      </ListView>
      {isMaking ? <WindowDialog onClose={() => setIsMaking(false)} /> : null}
      {removing === null ? null : (
        <DeleteDialog
          title={t.removeTitle(removing.name)}
          remove={() => api.removeWindow(removing.id)}
          list={keys.windows}
          onClose={() => setRemoving(null)}
        >
          <p>{t.removeText}</p>
        </DeleteDialog>
      )}
    </Page>
  );
}
