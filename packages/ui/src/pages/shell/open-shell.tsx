import type { NodeDetail } from '@hauban/shared/api';
import { Button, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { toApiError } from '../../api/api-error.ts';
import { useServices } from '../../api/services.ts';
import { ErrorNotice, Loading, Notice } from '../../parts/notices.tsx';
import { WaitsForApproval } from '../../parts/waits-for-approval.tsx';
import { visibleLine } from '../../format/visible-text.ts';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.shell;
/** As `ShellRequest` of the contract. */
const USER = /^[a-z_][a-z0-9_-]{0,31}$/;
/** The size until the terminal is on the page and says its own. */
const FIRST_SIZE = { columns: 120, rows: 32 } as const;

function NotOpened({ error }: { readonly error: unknown }) {
  if (error === null) return null;
  const { code, detail } = toApiError(error);
  if (code === 'APPROVAL_NEEDED')
    return <WaitsForApproval text={`${visibleLine(detail, 300)} ${texts.approvals.shellWaits}`} />;
  return <ErrorNotice error={error} />;
}

/** Asks for whom and why, then for the shell. Enter alone opens it. */
export function OpenShell({ node }: { readonly node: NodeDetail }) {
  const { api } = useServices();
  const navigate = useNavigate();
  const [user, setUser] = useState('');
  const [reason, setReason] = useState('');
  const open = useMutation({
    mutationFn: () =>
      api.openShell(node.id, {
        ...FIRST_SIZE,
        ...(user.trim() === '' ? {} : { user: user.trim() }),
        ...(reason.trim() === '' ? {} : { reason: reason.trim() }),
      }),
    onSuccess: ({ sessionId }) => navigate({ to: paths.shell(node.id, sessionId), replace: true }),
  });
  const isBadUser = user.trim() !== '' && !USER.test(user.trim());
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!isBadUser) open.mutate();
  };
  return (
    <form className="hb-card hb-card-pad hb-stack" onSubmit={submit} noValidate>
      <p>{t.recordedNotice}</p>
      {node.state === 'up' ? null : <Notice tone="warn">{t.offline}</Notice>}
      <TextInput
        label={`${t.user} (${texts.words.optional})`}
        description={t.userHint}
        value={user}
        error={isBadUser ? t.badUser : null}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        onChange={(event) => setUser(event.currentTarget.value)}
      />
      <TextInput
        label={`${t.reason} (${texts.words.optional})`}
        description={texts.runAction.reasonHint}
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      <NotOpened error={open.error} />
      <div className="hb-row">
        {/* The page is opened to open a shell: Enter must do it at once. */}
        {/* oxlint-disable-next-line jsx-a11y/no-autofocus */}
        <Button type="submit" loading={open.isPending} disabled={node.state !== 'up'} autoFocus>
          {t.open}
        </Button>
        {open.isPending ? <Loading text={t.opening} /> : null}
      </div>
    </form>
  );
}
