/** People who may sign in: who they are, what they may, how they got in. For owners. */
import type { PersonRow } from '@hauban/shared/api';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { keys, useMe } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { Notice, QueryView } from '../../parts/notices.tsx';
import { Page } from '../../parts/page.tsx';
import { texts } from '../../texts/index.ts';
import { InviteForm } from './invite-form.tsx';
import { PeopleTable } from './people-table.tsx';
import './people.css';
import { PersonDialog } from './person-dialog.tsx';
import { RolesSection } from './roles-section.tsx';

const t = texts.people;

export default function PeoplePage() {
  const { api } = useServices();
  const me = useMe();
  const people = useQuery({ queryKey: keys.people, queryFn: () => api.people(), refetchInterval: 30_000 });
  // The row as it was opened: somebody who is offboarded leaves the list before the dialog is closed.
  const [opened, setOpened] = useState<PersonRow | null>(null);
  return (
    <Page title={t.title} lead={t.lead}>
      <QueryView query={people} what={t.title}>
        {(rows) => {
          const open = opened === null ? null : (rows.find(({ id }) => id === opened.id) ?? opened);
          return (
            <>
              <InviteForm />
              {rows.length === 1 ? <Notice tone="warn">{t.alone}</Notice> : null}
              <PeopleTable rows={rows} myId={me.data?.id} onOpen={setOpened} />
              {open === null ? null : (
                <PersonDialog
                  key={open.id}
                  person={open}
                  isMe={open.id === me.data?.id}
                  onClose={() => setOpened(null)}
                />
              )}
            </>
          );
        }}
      </QueryView>
      <RolesSection />
    </Page>
  );
}
