import type { PasskeyRow } from '@hauban/shared/api';
import { Button, TextInput } from '@mantine/core';
import { startRegistration } from '@simplewebauthn/browser';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { keys, useSetupState } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { ErrorNotice, Notice, QueryView } from '../../parts/notices.tsx';
import { passkeyProblem } from '../../parts/passkey-problem.ts';
import { Table } from '../../parts/table.tsx';
import { RelativeTime } from '../../parts/time-text.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.passkeys;

function useRefresh() {
  const client = useQueryClient();
  return async (): Promise<void> => {
    await client.invalidateQueries({ queryKey: keys.myPasskeys });
    await client.invalidateQueries({ queryKey: keys.me });
  };
}

function AddPasskey() {
  const { api } = useServices();
  const refresh = useRefresh();
  const [name, setName] = useState('');
  const [isChecked, setIsChecked] = useState(false);
  const add = useMutation({
    mutationFn: async () => {
      const passkey = await startRegistration({ optionsJSON: await api.myPasskeyOptions() });
      await api.addPasskey({ name: name.trim(), passkey });
    },
    onSuccess: async () => {
      setName('');
      setIsChecked(false);
      await refresh();
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setIsChecked(true);
    if (name.trim() !== '') add.mutate();
  };
  const cancelled = passkeyProblem(add.error);
  return (
    <>
      <form className="hb-filters" onSubmit={submit} noValidate>
        <TextInput
          className="hb-filter-wide"
          label={t.name}
          maxLength={128}
          value={name}
          error={isChecked && name.trim() === '' ? t.needName : null}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button type="submit" className="hb-filter-tail" loading={add.isPending}>
          {t.add}
        </Button>
      </form>
      {cancelled === null ? null : <Notice tone="warn">{cancelled}</Notice>}
      {cancelled !== null || add.error === null ? null : <ErrorNotice error={add.error} />}
    </>
  );
}

function PasskeyTable({ rows }: { readonly rows: readonly PasskeyRow[] }) {
  const { api } = useServices();
  const refresh = useRefresh();
  const remove = useMutation({ mutationFn: (id: string) => api.deletePasskey(id), onSuccess: refresh });
  const columns = [
    { key: 'name', title: t.name },
    { key: 'made', title: t.made },
    { key: 'used', title: t.used },
    { key: 'delete', title: '' },
  ];
  if (rows.length === 0) return <p className="hb-quiet hb-card-pad">{t.none}</p>;
  return (
    <>
      {remove.error === null ? null : <ErrorNotice error={remove.error} />}
      <Table label={t.title} columns={columns}>
        {rows.map((row) => (
          <tr key={row.id}>
            <td className="hb-foreign">{visibleLine(row.name, 128)}</td>
            <td data-label={t.made} className="hb-quiet">
              <RelativeTime at={row.createdAt} />
            </td>
            <td data-label={t.used} className="hb-quiet">
              <RelativeTime at={row.lastUsedAt} />
            </td>
            <td data-end className="hb-number">
              <Button
                size="compact-sm"
                variant="default"
                loading={remove.isPending && remove.variables === row.id}
                onClick={() => remove.mutate(row.id)}
              >
                {texts.words.delete}
              </Button>
            </td>
          </tr>
        ))}
      </Table>
    </>
  );
}

/** The reader's passkeys: a second one for the day on which the first is lost. */
export function OwnPasskeys() {
  const { api } = useServices();
  const setup = useSetupState();
  const passkeys = useQuery({ queryKey: keys.myPasskeys, queryFn: () => api.myPasskeys() });
  const canAdd = setup.data?.passkeys === true && 'PublicKeyCredential' in window;
  return (
    <section className="hb-stack">
      <h2 className="hb-section-title">{t.title}</h2>
      <p className="hb-quiet">{canAdd ? t.text : texts.setup.passkeyMissing}</p>
      {canAdd ? <AddPasskey /> : null}
      <div className="hb-card">
        <QueryView query={passkeys}>{(rows) => <PasskeyTable rows={rows} />}</QueryView>
      </div>
    </section>
  );
}
