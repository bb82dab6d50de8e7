import { Button, Divider, PasswordInput, TextInput } from '@mantine/core';
import { startAuthentication } from '@simplewebauthn/browser';
import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { toApiError } from '../../api/api-error.ts';
import { useSetupState } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { Alone } from '../../frame/alone.tsx';
import { passkeyProblem } from '../../parts/passkey-problem.ts';
import { ErrorNotice, Notice } from '../../parts/notices.tsx';
import { safeNext } from '../../parts/safe-next.ts';
import { SignOnButtons } from '../../parts/sign-on-buttons.tsx';
import { useSearchState } from '../../parts/use-search-state.ts';
import { texts } from '../../texts/index.ts';

const t = texts.signIn;

function useEnter(): () => void {
  const [search] = useSearchState();
  // A whole new page: it starts with the new session and nothing else.
  return () => location.assign(safeNext(search['next']));
}

function PasskeyButton({ onDone }: { readonly onDone: () => void }) {
  const { api } = useServices();
  const signIn = useMutation({
    mutationFn: async () => {
      const optionsJSON = await api.passkeyOptions();
      await api.signInWithPasskey(await startAuthentication({ optionsJSON }));
    },
    onSuccess: onDone,
  });
  const cancelled = passkeyProblem(signIn.error);
  return (
    <>
      <Button fullWidth loading={signIn.isPending} onClick={() => signIn.mutate()} data-testid="passkey">
        {t.passkey}
      </Button>
      {cancelled === null ? (
        signIn.error === null ? null : (
          <ErrorNotice error={signIn.error} />
        )
      ) : (
        <Notice tone="warn">{cancelled}</Notice>
      )}
    </>
  );
}

function PasswordForm({ onDone }: { readonly onDone: () => void }) {
  const { api } = useServices();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [isChecked, setIsChecked] = useState(false);
  const [code, setCode] = useState('');
  const [needsCode, setNeedsCode] = useState(false);
  const signIn = useMutation({
    mutationFn: () => api.signIn({ name: name.trim(), password, ...(needsCode ? { code: code.trim() } : {}) }),
    onSuccess: onDone,
    onError: (error) => {
      if (toApiError(error).code === 'SECOND_FACTOR_NEEDED') setNeedsCode(true);
    },
  });
  const isAsking = toApiError(signIn.error).code === 'SECOND_FACTOR_NEEDED';
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setIsChecked(true);
    if (name.trim() !== '' && password !== '' && (!needsCode || code.trim() !== '')) signIn.mutate();
  };
  return (
    <form className="hb-stack" onSubmit={submit} noValidate>
      <TextInput
        label={t.name}
        name="username"
        autoComplete="username webauthn"
        autoCapitalize="none"
        spellCheck={false}
        value={name}
        error={isChecked && name.trim() === '' ? t.needName : null}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <PasswordInput
        label={t.password}
        name="password"
        autoComplete="current-password"
        value={password}
        error={isChecked && password === '' ? t.needPassword : null}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
      {needsCode ? (
        <TextInput
          label={t.code}
          description={t.codeHint}
          name="code"
          autoComplete="one-time-code"
          value={code}
          error={isChecked && !isAsking && code.trim() === '' ? t.needCode : null}
          onChange={(event) => setCode(event.currentTarget.value)}
        />
      ) : null}
      {signIn.error === null || isAsking ? null : <ErrorNotice error={toApiError(signIn.error)} />}
      <Button type="submit" variant="default" fullWidth loading={signIn.isPending}>
        {t.submit}
      </Button>
    </form>
  );
}

export default function SignInPage() {
  const enter = useEnter();
  const [search] = useSearchState();
  const setup = useSetupState();
  if (setup.data?.needed === true) {
    return (
      <Alone title={texts.setup.title}>
        <p>{texts.setup.needed}</p>
      </Alone>
    );
  }
  return (
    <Alone title={t.title}>
      {setup.data?.passkeys === false ? null : (
        <>
          <PasskeyButton onDone={enter} />
          <Divider label={t.or} />
        </>
      )}
      <PasswordForm onDone={enter} />
      <SignOnButtons returnTo={safeNext(search['next'])} />
    </Alone>
  );
}
