/** Approves the code that `hauban login` shows. */
import { Button, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useServices } from '../../api/services.ts';
import { ErrorNotice, Notice } from '../../parts/notices.tsx';
import { Page } from '../../parts/page.tsx';
import { useSearchState } from '../../parts/use-search-state.ts';
import { texts } from '../../texts/index.ts';

const t = texts.cli;

export default function CliSignInPage() {
  const { api } = useServices();
  const [search] = useSearchState();
  const [code, setCode] = useState(search['code'] ?? '');
  const [isChecked, setIsChecked] = useState(false);
  const approve = useMutation({ mutationFn: () => api.approveCli(code.trim()) });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setIsChecked(true);
    if (code.trim() !== '') approve.mutate();
  };
  if (approve.isSuccess) {
    return (
      <Page title={t.title} isNarrow>
        <Notice tone="ok">{t.approved}</Notice>
      </Page>
    );
  }
  return (
    <Page title={t.title} lead={t.text} isNarrow>
      <form className="hb-card hb-card-pad hb-stack" onSubmit={submit} noValidate>
        <TextInput
          label={t.code}
          size="lg"
          className="hb-mono"
          maxLength={20}
          value={code}
          autoComplete="off"
          spellCheck={false}
          error={isChecked && code.trim() === '' ? t.noCode : null}
          onChange={(event) => setCode(event.currentTarget.value.toUpperCase())}
        />
        <Notice tone="warn">{t.warning}</Notice>
        {approve.error === null ? null : <ErrorNotice error={approve.error} />}
        <div>
          <Button type="submit" loading={approve.isPending}>
            {t.approve}
          </Button>
        </div>
      </form>
    </Page>
  );
}
