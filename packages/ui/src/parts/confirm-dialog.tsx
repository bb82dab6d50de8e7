import { Button, Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import { texts } from '../texts/index.ts';
import { ErrorNotice } from './notices.tsx';

export interface ConfirmDialogProps {
  readonly isOpen: boolean;
  readonly title: string;
  readonly children: ReactNode;
  readonly verb: string;
  readonly isDanger?: boolean;
  readonly isBusy?: boolean;
  readonly isReady?: boolean;
  readonly error?: unknown;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

/** Asks before something that cannot be taken back. The verb stands on the button; Esc leaves. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  return (
    <Modal
      opened={props.isOpen}
      onClose={props.onClose}
      title={props.title}
      closeButtonProps={{ 'aria-label': texts.words.close }}
    >
      <div className="hb-stack">
        {props.children}
        {props.error === undefined || props.error === null ? null : <ErrorNotice error={props.error} />}
        <div className="hb-row">
          <Button
            {...(props.isDanger === true ? { color: 'red' } : {})}
            loading={props.isBusy ?? false}
            disabled={props.isReady === false}
            onClick={props.onConfirm}
            data-autofocus
          >
            {props.verb}
          </Button>
          <Button variant="default" onClick={props.onClose}>
            {texts.words.cancel}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
