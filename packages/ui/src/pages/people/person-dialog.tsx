import type { PersonRow } from '@hauban/shared/api';
import { Button, Modal, NativeSelect } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { ErrorNotice, QueryView } from '../../parts/notices.tsx';
import { scopeWords } from '../../parts/rule-words.ts';
import { SignInTable } from '../../parts/sign-in-table.tsx';
import { RelativeTime } from '../../parts/time-text.tsx';
import { texts } from '../../texts/index.ts';
import { InviteLink } from './invite-link.tsx';
import { Offboard } from './offboard.tsx';

const t = texts.people;

function RoleOf({ person }: { readonly person: PersonRow }) {
  const { api } = useServices();
  const client = useQueryClient();
  const roles = useQuery({ queryKey: keys.roles, queryFn: () => api.roles() });
  const change = useMutation({
    mutationFn: (role: string) => api.setRole(person.id, role),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.people });
      await client.invalidateQueries({ queryKey: keys.roles });
    },
  });
  return (
    <>
      <NativeSelect
        label={t.role}
        value={person.role}
        disabled={change.isPending}
        data={(roles.data ?? []).map((each) => each.name)}
        onChange={(event) => change.mutate(event.currentTarget.value)}
      />
      {change.error === null ? null : <ErrorNotice error={change.error} />}
    </>
  );
}

function NewLink({ person }: { readonly person: PersonRow }) {
  const { api } = useServices();
  const again = useMutation({ mutationFn: () => api.inviteAgain(person.id) });
  return (
    <div className="hb-stack">
      <p className="hb-quiet">{t.linkText}</p>
      <div>
        <Button variant="default" loading={again.isPending} onClick={() => again.mutate()}>
          {t.newLink}
        </Button>
      </div>
      {again.error === null ? null : <ErrorNotice error={again.error} />}
      {again.data === undefined ? null : <InviteLink made={again.data} />}
    </div>
  );
}

function Sessions({ person }: { readonly person: PersonRow }) {
  const { api } = useServices();
  const client = useQueryClient();
  const key = keys.personSessions(person.id);
  const sessions = useQuery({ queryKey: key, queryFn: () => api.personSessions(person.id) });
  const end = useMutation({
    mutationFn: (id: string) => api.endPersonSession(person.id, id),
    onSuccess: () => client.invalidateQueries({ queryKey: key }),
  });
  return (
    <section className="hb-stack">
      <h3 className="hb-section-title">{texts.signIns.title}</h3>
      {end.error === null ? null : <ErrorNotice error={end.error} />}
      <QueryView query={sessions}>
        {(rows) => (
          <SignInTable rows={rows} busyId={end.isPending ? end.variables : undefined} onEnd={(id) => end.mutate(id)} />
        )}
      </QueryView>
    </section>
  );
}

function Tokens({ person }: { readonly person: PersonRow }) {
  const { api } = useServices();
  const client = useQueryClient();
  const key = keys.personTokens(person.id);
  const tokens = useQuery({ queryKey: key, queryFn: () => api.personTokens(person.id) });
  const remove = useMutation({
    mutationFn: (id: string) => api.deletePersonToken(person.id, id),
    onSuccess: () => client.invalidateQueries({ queryKey: key }),
  });
  return (
    <section className="hb-stack">
      <h3 className="hb-section-title">{texts.account.tokens}</h3>
      {remove.error === null ? null : <ErrorNotice error={remove.error} />}
      <QueryView query={tokens}>
        {(rows) =>
          rows.length === 0 ? (
            <p className="hb-quiet">{texts.account.noTokens}</p>
          ) : (
            rows.map((row) => (
              <div key={row.id} className="hb-row hb-spread">
                <span className="hb-row hb-grow">
                  <span className="hb-foreign">{visibleLine(row.name, 128)}</span>
                  <span className="hb-quiet hb-small">
                    {texts.account.scope}: {scopeWords(row.scope)} · {texts.account.expires}{' '}
                    <RelativeTime at={row.expiresAt} /> · {texts.account.lastUsed} <RelativeTime at={row.lastUsedAt} />
                  </span>
                </span>
                <Button
                  size="compact-sm"
                  variant="default"
                  loading={remove.isPending && remove.variables === row.id}
                  onClick={() => remove.mutate(row.id)}
                >
                  {texts.words.delete}
                </Button>
              </div>
            ))
          )
        }
      </QueryView>
    </section>
  );
}

/** One person: role, sessions, tokens, a new link, and the way out. */
export function PersonDialog({
  person,
  isMe,
  onClose,
}: {
  readonly person: PersonRow;
  readonly isMe: boolean;
  readonly onClose: () => void;
}) {
  const [isLeaving, setIsLeaving] = useState(false);
  return (
    <Modal
      opened
      size="xl"
      onClose={onClose}
      title={visibleLine(person.name, 64)}
      closeButtonProps={{ 'aria-label': texts.words.close }}
    >
      <div className="hb-stack">
        {isLeaving ? (
          <Offboard person={person} isMe={isMe} onCancel={() => setIsLeaving(false)} onDone={onClose} />
        ) : (
          <>
            <RoleOf person={person} />
            <Sessions person={person} />
            <Tokens person={person} />
            <NewLink person={person} />
            <div>
              <Button color="red" variant="outline" onClick={() => setIsLeaving(true)}>
                {t.offboard}
              </Button>
            </div>
          </>
        )}
      </div>
    </Modal>
  );
}
