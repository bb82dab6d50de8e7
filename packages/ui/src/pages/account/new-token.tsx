import type { AccessRule } from '@hauban/shared/api';
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { CopyButton } from '../../parts/copy-button.tsx';
import { ErrorNotice, Notice } from '../../parts/notices.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.account;
const DEFAULT_DAYS = '90';
const MAX_DAYS = 366;
/** What a token for dashboards and monitoring needs; everything else goes by the API. */
const READ_ONLY: AccessRule[] = [
  {
    name: 'reading only',
    what: ['read'],
    where: 'everywhere',
    how: { runAs: [], needsApproval: false, window: null },
  },
];

/** Makes an API token and shows its secret once. */
export function NewToken() {
  const { api } = useServices();
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [days, setDays] = useState(DEFAULT_DAYS);
  const [scope, setScope] = useState('all');
  const [isChecked, setIsChecked] = useState(false);
  const make = useMutation({
    mutationFn: () =>
      api.makeToken({
        name: name.trim(),
        expiresInDays: Number(days),
        ...(scope === 'read' ? { scope: READ_ONLY } : {}),
      }),
    onSuccess: async () => {
      setName('');
      setIsChecked(false);
      await client.invalidateQueries({ queryKey: keys.tokens });
    },
  });
  const isNameBad = name.trim() === '';
  const areDaysBad = !/^\d{1,3}$/.test(days) || Number(days) < 1 || Number(days) > MAX_DAYS;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setIsChecked(true);
    if (!isNameBad && !areDaysBad) make.mutate();
  };
  return (
    <>
      <form className="hb-filters" onSubmit={submit} noValidate>
        <TextInput
          className="hb-filter-wide"
          label={t.tokenName}
          maxLength={128}
          value={name}
          error={isChecked && isNameBad ? t.needName : null}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TextInput
          label={t.tokenDays}
          inputMode="numeric"
          value={days}
          error={isChecked && areDaysBad ? t.badDays : null}
          onChange={(event) => setDays(event.currentTarget.value)}
        />
        <NativeSelect
          label={t.scope}
          value={scope}
          data={[
            { value: 'all', label: t.scopeAll },
            { value: 'read', label: t.scopeRead },
          ]}
          onChange={(event) => setScope(event.currentTarget.value)}
        />
        <Button type="submit" className="hb-filter-tail" loading={make.isPending}>
          {t.makeToken}
        </Button>
      </form>
      {make.error === null ? null : <ErrorNotice error={make.error} />}
      {make.data === undefined ? null : (
        <Notice tone="ok">
          <div className="hb-stack">
            <span>{t.tokenOnce}</span>
            <pre className="hb-block">{make.data.secret}</pre>
            <CopyButton text={make.data.secret} />
          </div>
        </Notice>
      )}
    </>
  );
}
