import type { Offboarded, PersonRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { ErrorNotice, Notice } from '../../parts/notices.tsx';
import { Facts } from '../../parts/page.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.people;

function Ended({ done }: { readonly done: Offboarded }) {
  const waiting = done.shells.filter(({ state }) => state === 'waiting');
  const rows: readonly (readonly [string, number])[] = [
    [t.sessions, done.sessions],
    [t.tokens, done.tokens],
    [t.passkeysWord, done.passkeys],
    [t.shells, done.shells.length - waiting.length],
    [t.orders, done.ordersCancelled],
    [t.approvals, done.approvals],
    [t.invites, done.invites + done.commandLines],
  ];
  return (
    <Notice tone="ok">
      <div className="hb-stack">
        <span>{t.isOut(visibleLine(done.name, 64))}</span>
        <Facts rows={rows} />
        {waiting.map((shell) => (
          <span key={shell.id} className="hb-foreign">
            {t.shellWaits(visibleLine(shell.user, 32), visibleLine(shell.hostName, 100))}
          </span>
        ))}
        {done.trust.map((sentence) => (
          <span key={sentence} className="hb-foreign">
            {visibleLine(sentence, 500)}
          </span>
        ))}
        {done.ordersUnderWay === 0 ? null : <span>{t.underWay(done.ordersUnderWay)}</span>}
      </div>
    </Notice>
  );
}

/** Asks once more, ends everything, and says what that was. */
export function Offboard({
  person,
  isMe,
  onCancel,
  onDone,
}: {
  readonly person: PersonRow;
  readonly isMe: boolean;
  readonly onCancel: () => void;
  readonly onDone: () => void;
}) {
  const { api } = useServices();
  const client = useQueryClient();
  const offboard = useMutation({
    mutationFn: () => api.offboard(person.id),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.people });
      await client.invalidateQueries({ queryKey: keys.roles });
    },
  });
  if (offboard.data !== undefined) {
    return (
      <div className="hb-stack">
        <Ended done={offboard.data} />
        <div>
          <Button variant="default" data-autofocus onClick={onDone}>
            {texts.words.close}
          </Button>
        </div>
      </div>
    );
  }
  return (
    <div className="hb-stack">
      <Notice tone="warn">{isMe ? t.offboardMe : t.offboardText(visibleLine(person.name, 64))}</Notice>
      {offboard.error === null ? null : <ErrorNotice error={offboard.error} />}
      <div className="hb-row">
        <Button color="red" loading={offboard.isPending} onClick={() => offboard.mutate()}>
          {t.offboard}
        </Button>
        <Button variant="default" data-autofocus onClick={onCancel}>
          {texts.words.cancel}
        </Button>
      </div>
    </div>
  );
}
