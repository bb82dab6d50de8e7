import type { ApprovalOutcome } from '@hauban/shared/api';
import { Button, Modal, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useServices } from '../../api/services.ts';
import { ErrorNotice } from '../../parts/notices.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.approvals;
/** As `ApprovalDenial` of the contract. */
const REASON_MAX = 300;

/** Asks why, and denies. */
export function DenyDialog({
  id,
  onClose,
  onDone,
}: {
  readonly id: string;
  readonly onClose: () => void;
  readonly onDone: (outcome: ApprovalOutcome) => Promise<void>;
}) {
  const { api } = useServices();
  const [reason, setReason] = useState('');
  const deny = useMutation({
    mutationFn: () => api.deny(id, reason.trim()),
    onSuccess: async (outcome) => {
      onClose();
      await onDone(outcome);
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    deny.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={t.denyTitle} closeButtonProps={{ 'aria-label': texts.words.close }}>
      <form className="hb-stack" onSubmit={submit} noValidate>
        <p>{t.denyText}</p>
        <TextInput
          label={`${texts.words.reason} (${texts.words.optional})`}
          data-autofocus
          maxLength={REASON_MAX}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        {deny.error === null ? null : <ErrorNotice error={deny.error} />}
        <div className="hb-row">
          <Button type="submit" color="red" loading={deny.isPending}>
            {t.deny}
          </Button>
          <Button variant="default" onClick={onClose}>
            {texts.words.cancel}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
