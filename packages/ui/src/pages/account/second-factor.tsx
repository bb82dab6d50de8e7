import type { Me, TotpOffered } from '@hauban/shared/api';
import { Button, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { CopyButton } from '../../parts/copy-button.tsx';
import { ErrorNotice, Notice } from '../../parts/notices.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.totp;

function CodeForm({
  verb,
  isBusy,
  error,
  onCode,
}: {
  readonly verb: string;
  readonly isBusy: boolean;
  readonly error: Error | null;
  readonly onCode: (code: string) => void;
}) {
  const [code, setCode] = useState('');
  const [isChecked, setIsChecked] = useState(false);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setIsChecked(true);
    if (code.trim() !== '') onCode(code.trim());
  };
  return (
    <>
      <form className="hb-filters" onSubmit={submit} noValidate>
        <TextInput
          className="hb-filter-wide"
          label={t.code}
          autoComplete="one-time-code"
          value={code}
          error={isChecked && code.trim() === '' ? t.needCode : null}
          onChange={(event) => setCode(event.currentTarget.value)}
        />
        <Button type="submit" className="hb-filter-tail" loading={isBusy}>
          {verb}
        </Button>
      </form>
      {error === null ? null : <ErrorNotice error={error} />}
    </>
  );
}

function Offered({
  offered,
  onCodes,
}: {
  readonly offered: TotpOffered;
  readonly onCodes: (codes: readonly string[]) => void;
}) {
  const { api } = useServices();
  const confirm = useMutation({
    mutationFn: (code: string) => api.confirmTotp(code),
    onSuccess: ({ codes }) => onCodes(codes),
  });
  return (
    <div className="hb-stack">
      <p>{t.add}</p>
      <pre className="hb-block">{offered.secret}</pre>
      <div className="hb-row">
        <CopyButton text={offered.secret} />
        <a href={offered.uri}>{t.openApp}</a>
      </div>
      <CodeForm
        verb={t.confirm}
        isBusy={confirm.isPending}
        error={confirm.error}
        onCode={(code) => confirm.mutate(code)}
      />
    </div>
  );
}

/** The second factor of the reader's password: set up, confirmed, removed. */
export function SecondFactor({ me }: { readonly me: Me }) {
  const { api } = useServices();
  const client = useQueryClient();
  const [codes, setCodes] = useState<readonly string[]>([]);
  const refresh = (): Promise<void> => client.invalidateQueries({ queryKey: keys.me });
  const offer = useMutation({ mutationFn: () => api.offerTotp() });
  const remove = useMutation({
    mutationFn: (code: string) => api.removeTotp(code),
    onSuccess: async () => {
      setCodes([]);
      offer.reset();
      await refresh();
    },
  });
  // What was confirmed just now is on, although the question who I am is not answered anew yet.
  const isOn = me.hasTotp || codes.length > 0;
  const confirmed = (made: readonly string[]): void => {
    setCodes(made);
    void refresh();
  };
  return (
    <section className="hb-stack">
      <h2 className="hb-section-title">{t.title}</h2>
      {codes.length === 0 ? null : (
        <Notice tone="ok">
          <div className="hb-stack">
            <span>{t.codes}</span>
            <pre className="hb-block">{codes.join('\n')}</pre>
            <CopyButton text={codes.join('\n')} />
          </div>
        </Notice>
      )}
      <p className="hb-quiet">{isOn ? `${t.isOn} ${t.removeText}` : t.none}</p>
      {isOn ? (
        <CodeForm
          verb={t.remove}
          isBusy={remove.isPending}
          error={remove.error}
          onCode={(code) => remove.mutate(code)}
        />
      ) : offer.data === undefined ? (
        <div>
          <Button variant="default" loading={offer.isPending} onClick={() => offer.mutate()}>
            {t.begin}
          </Button>
        </div>
      ) : (
        <Offered offered={offer.data} onCodes={confirmed} />
      )}
      {offer.error === null ? null : <ErrorNotice error={offer.error} />}
    </section>
  );
}
