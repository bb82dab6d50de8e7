import { Button, TextInput } from '@mantine/core';
import { startRegistration } from '@simplewebauthn/browser';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { useSetupState } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { Alone } from '../../frame/alone.tsx';
import { ErrorNotice, Notice, QueryView } from '../../parts/notices.tsx';
import { passkeyProblem } from '../../parts/passkey-problem.ts';
import { signUpProblems, type SignUpForm } from '../../parts/sign-up-form.ts';
import { useSearchState } from '../../parts/use-search-state.ts';
import { WayFields } from '../../parts/way-fields.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.setup;

function useSetUp(token: string, form: SignUpForm) {
  const { api } = useServices();
  return useMutation({
    mutationFn: async () => {
      const name = form.name.trim();
      if (form.way === 'password') return api.setUp({ token, name, password: form.password });
      const optionsJSON = await api.setupPasskeyOptions(token, name);
      return api.setUp({ token, name, passkey: await startRegistration({ optionsJSON }) });
    },
    onSuccess: () => location.assign(paths.fleet),
  });
}

function SetupFields({ token, canPasskey }: { readonly token: string; readonly canPasskey: boolean }) {
  const [form, setForm] = useState<SignUpForm>({
    name: '',
    way: canPasskey ? 'passkey' : 'password',
    password: '',
    again: '',
  });
  const [isChecked, setIsChecked] = useState(false);
  const setUp = useSetUp(token, form);
  const problems = isChecked ? signUpProblems(form) : {};
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setIsChecked(true);
    if (Object.keys(signUpProblems(form)).length === 0) setUp.mutate();
  };
  const cancelled = passkeyProblem(setUp.error);
  return (
    <form className="hb-stack" onSubmit={submit} noValidate>
      <TextInput
        label={t.name}
        description={t.nameHint}
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        value={form.name}
        error={problems.name ?? null}
        onChange={(event) => setForm({ ...form, name: event.currentTarget.value })}
      />
      <WayFields form={form} problems={problems} canPasskey={canPasskey} onChange={setForm} />
      {cancelled === null ? (
        setUp.error === null ? null : (
          <ErrorNotice error={setUp.error} />
        )
      ) : (
        <Notice tone="warn">{cancelled}</Notice>
      )}
      <Button type="submit" fullWidth loading={setUp.isPending}>
        {form.way === 'passkey' ? t.makePasskey : t.make}
      </Button>
    </form>
  );
}

export default function SetupPage() {
  const [search] = useSearchState();
  const setup = useSetupState();
  const token = search['token'] ?? '';
  return (
    <Alone title={t.title}>
      <QueryView query={setup}>
        {(state) => {
          if (!state.needed) {
            return (
              <Notice tone="idle">
                {t.done} <Link to={paths.signIn}>{t.toSignIn}</Link>
              </Notice>
            );
          }
          if (token === '') return <Notice tone="warn">{t.noToken}</Notice>;
          return (
            <>
              <p className="hb-quiet">{t.text}</p>
              <SetupFields token={token} canPasskey={state.passkeys && 'PublicKeyCredential' in window} />
            </>
          );
        }}
      </QueryView>
    </Alone>
  );
}
