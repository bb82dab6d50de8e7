import type { IdentityProof, Me } from '@hauban/shared/api';
import { PasswordInput, TextInput } from '@mantine/core';
import { startAuthentication } from '@simplewebauthn/browser';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useServices } from '../api/services.ts';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { Notice } from './notices.tsx';
import { passkeyProblem } from './passkey-problem.ts';
import { texts } from '../texts/index.ts';

const t = texts.signOn;

export interface ProveDialogProps {
  readonly me: Me;
  readonly title: string;
  readonly verb: string;
  readonly text?: string;
  readonly isDanger?: boolean;
  /** What is done with the proof. */
  readonly onProof: (proof: IdentityProof) => Promise<void>;
  readonly onClose: () => void;
}

/** Asks a signed-in person to show again that it is them: by a passkey where they have one, else by the password. */
export function ProveDialog({ me, title, verb, text, isDanger, onProof, onClose }: ProveDialogProps) {
  const { api } = useServices();
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const prove = useMutation({
    mutationFn: async () => {
      if (!me.hasPasskey) return onProof({ password, ...(me.hasTotp ? { code: code.trim() } : {}) });
      return onProof({ passkey: await startAuthentication({ optionsJSON: await api.proveOptions() }) });
    },
  });
  const cancelled = me.hasPasskey ? passkeyProblem(prove.error) : null;
  const isReady = me.hasPasskey || (password !== '' && (!me.hasTotp || code.trim() !== ''));
  return (
    <ConfirmDialog
      isOpen
      title={title}
      verb={verb}
      isDanger={isDanger ?? false}
      isReady={isReady}
      isBusy={prove.isPending}
      error={cancelled === null ? prove.error : null}
      onConfirm={() => prove.mutate()}
      onClose={onClose}
    >
      <p>{text === undefined ? t.proveText : `${text} ${t.proveText}`}</p>
      {cancelled === null ? null : <Notice tone="warn">{cancelled}</Notice>}
      {me.hasPasskey ? null : (
        <PasswordInput
          label={t.password}
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
      )}
      {me.hasPasskey || !me.hasTotp ? null : (
        <TextInput
          label={t.code}
          autoComplete="one-time-code"
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
        />
      )}
    </ConfirmDialog>
  );
}
