import { Button, Modal } from '@mantine/core';
import type { FormEvent, ReactNode } from 'react';
import { texts } from '../texts/index.ts';
import { ErrorNotice } from './notices.tsx';

export interface FormProps {
  /** What the button does. */
  readonly verb: string;
  readonly isBusy: boolean;
  readonly error: unknown;
  readonly onSubmit: () => void;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** Fields with their verb. What is wrong after a try to submit gets the focus, the first of it. */
export function DialogForm({ verb, isBusy, error, onSubmit, onClose, children }: FormProps) {
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    onSubmit();
    const form = event.currentTarget;
    requestAnimationFrame(() => form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
  };
  return (
    <form className="hb-stack" noValidate onSubmit={submit}>
      {children}
      {error === null ? null : <ErrorNotice error={error} />}
      <div className="hb-row">
        <Button type="submit" loading={isBusy}>
          {verb}
        </Button>
        <Button variant="default" onClick={onClose}>
          {texts.words.cancel}
        </Button>
      </div>
    </form>
  );
}

/** A dialog that is one form. */
export function FormDialog({ title, ...form }: FormProps & { readonly title: string }) {
  return (
    <Modal opened size="lg" onClose={form.onClose} title={title} closeButtonProps={{ 'aria-label': texts.words.close }}>
      <DialogForm {...form} />
    </Modal>
  );
}
