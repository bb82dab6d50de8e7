/** Schedules: what runs again and again, when next, and what came of it last time. They are made from the form of an action. */
import type { ScheduleRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { useSchedules } from '../../api/time-hooks.ts';
import { SearchField } from '../../parts/search-field.tsx';
import { DeleteDialog } from '../../parts/delete-dialog.tsx';
import { ListView } from '../../parts/list-view.tsx';
import { Page } from '../../parts/page.tsx';
import { useListKeys } from '../../parts/use-list-keys.ts';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';
import { ScheduleTable } from './schedule-table.tsx';

const t = texts.schedules;

const fits = ({ name, action, on, requester }: ScheduleRow, text: string): boolean =>
  `${name} ${action} ${on ?? ''} ${requester}`.toLowerCase().includes(text.trim().toLowerCase());

export default function SchedulesPage() {
  const { api } = useServices();
  const schedules = useSchedules();
  const [text, setText] = useState('');
  const [removing, setRemoving] = useState<ScheduleRow | null>(null);
  const field = useRef<HTMLInputElement | null>(null);
  const list = useRef<HTMLDivElement | null>(null);
  useListKeys(field, list);
  const choose = (
    <Button component={Link} to={paths.actions}>
      {t.choose}
    </Button>
  );
  const heads = (
    <>
      <Button component={Link} to={paths.windows} variant="default">
        {t.toWindows}
      </Button>
      {choose}
    </>
  );
  return (
    <Page title={t.title} lead={t.lead} actions={heads} hasManyActions>
      <div className="hb-filters" role="search">
        <SearchField field={field} label={t.search} value={text} onChange={setText} />
      </div>
      <ListView
        query={schedules}
        what={t.title}
        fits={(row) => fits(row, text)}
        none={{ title: t.none, text: t.noneText, action: choose }}
        noMatch={t.noMatch}
        place={list}
      >
        {(rows) => <ScheduleTable rows={rows} onRemove={setRemoving} />}
      </ListView>
      {removing === null ? null : (
        <DeleteDialog
          title={t.removeTitle(removing.name)}
          remove={() => api.removeSchedule(removing.id)}
          list={keys.schedules}
          onClose={() => setRemoving(null)}
        >
          <p>{t.removeText}</p>
        </DeleteDialog>
      )}
    </Page>
  );
}
