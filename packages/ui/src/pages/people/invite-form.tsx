import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { ErrorNotice } from '../../parts/notices.tsx';
import { texts } from '../../texts/index.ts';
import { InviteLink } from './invite-link.tsx';

const t = texts.people;
/** As `PersonName` of the contract. */
const NAME = /^(?!(?:system|nobody)$)[a-z][a-z0-9._-]{1,31}$/;

/** Makes a person and the one-time link by which they come in. */
export function InviteForm() {
  const { api } = useServices();
  const client = useQueryClient();
  const roles = useQuery({ queryKey: keys.roles, queryFn: () => api.roles() });
  const [name, setName] = useState('');
  const [role, setRole] = useState('viewer');
  const [isChecked, setIsChecked] = useState(false);
  const invite = useMutation({
    mutationFn: () => api.invite({ name: name.trim(), role }),
    onSuccess: async () => {
      setName('');
      setIsChecked(false);
      await client.invalidateQueries({ queryKey: keys.people });
      await client.invalidateQueries({ queryKey: keys.roles });
    },
  });
  const isBad = !NAME.test(name.trim());
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setIsChecked(true);
    if (!isBad) invite.mutate();
  };
  return (
    <>
      <form className="hb-filters" onSubmit={submit} noValidate>
        <TextInput
          className="hb-filter-wide"
          label={t.inviteName}
          autoCapitalize="none"
          autoComplete="off"
          spellCheck={false}
          value={name}
          error={isChecked && isBad ? texts.setup.badName : null}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <NativeSelect
          label={t.role}
          value={role}
          data={(roles.data ?? []).map((each) => each.name)}
          onChange={(event) => setRole(event.currentTarget.value)}
        />
        <Button type="submit" className="hb-filter-tail" loading={invite.isPending}>
          {t.invite}
        </Button>
      </form>
      {roles.error === null ? null : <ErrorNotice error={roles.error} onRetry={() => void roles.refetch()} />}
      {invite.error === null ? null : <ErrorNotice error={invite.error} />}
      {invite.data === undefined ? null : <InviteLink made={invite.data} />}
    </>
  );
}
