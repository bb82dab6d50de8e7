/** Whoever was invited chooses how to sign in, and is in. */
import type { InviteState } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { startRegistration } from '@simplewebauthn/browser';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { Alone } from '../../frame/alone.tsx';
import { ErrorNotice, Notice, QueryView } from '../../parts/notices.tsx';
import { passkeyProblem } from '../../parts/passkey-problem.ts';
import { signUpProblems, type SignUpForm } from '../../parts/sign-up-form.ts';
import { SignOnButtons } from '../../parts/sign-on-buttons.tsx';
import { useSearchState } from '../../parts/use-search-state.ts';
import { WayFields } from '../../parts/way-fields.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.invite;

function AcceptForm({ token, state }: { readonly token: string; readonly state: InviteState }) {
  const { api } = useServices();
  const canPasskey = state.passkeys && 'PublicKeyCredential' in window;
  const way = canPasskey ? 'passkey' : 'password';
  const [form, setForm] = useState<SignUpForm>({ name: state.name, way, password: '', again: '' });
  const [isChecked, setIsChecked] = useState(false);
  const accept = useMutation({
    mutationFn: async () => {
      if (form.way === 'password') return api.acceptInvite({ token, password: form.password });
      const optionsJSON = await api.invitePasskeyOptions(token);
      return api.acceptInvite({ token, passkey: await startRegistration({ optionsJSON }) });
    },
    onSuccess: () => location.assign(paths.fleet),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setIsChecked(true);
    if (Object.keys(signUpProblems(form)).length === 0) accept.mutate();
  };
  const cancelled = passkeyProblem(accept.error);
  return (
    <form className="hb-stack" onSubmit={submit} noValidate>
      <p className="hb-quiet">{t.text(visibleLine(state.name, 64), visibleLine(state.role, 64))}</p>
      <WayFields
        form={form}
        problems={isChecked ? signUpProblems(form) : {}}
        canPasskey={canPasskey}
        onChange={setForm}
      />
      {cancelled === null ? null : <Notice tone="warn">{cancelled}</Notice>}
      {cancelled !== null || accept.error === null ? null : <ErrorNotice error={accept.error} />}
      <Button type="submit" fullWidth loading={accept.isPending}>
        {form.way === 'passkey' ? texts.setup.makePasskey : t.accept}
      </Button>
      <SignOnButtons invite={token} />
    </form>
  );
}

export default function InvitePage() {
  const { api } = useServices();
  const [search] = useSearchState();
  const token = search['token'] ?? '';
  const state = useQuery({
    queryKey: keys.invite(token),
    queryFn: () => api.inviteState(token),
    enabled: token !== '',
    retry: false,
  });
  return (
    <Alone title={t.title}>
      {token === '' ? (
        <Notice tone="warn">{t.noToken}</Notice>
      ) : (
        <QueryView query={state}>{(data) => <AcceptForm token={token} state={data} />}</QueryView>
      )}
    </Alone>
  );
}
