import type { ActionRow } from '@hauban/shared/api';
import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { visibleLine } from '../../format/visible-text.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { RiskMark } from '../../parts/state-marks.tsx';
import { texts } from '../../texts/index.ts';
import type { RunActionModel } from './use-run-action.ts';

const t = texts.runAction;
const SHOWN_HOSTS = 12;

/** What has to be typed before a high-risk run: the host name, or how many nodes. */
export function challengeOf(action: ActionRow, hosts: readonly string[]): string | null {
  if (action.risk !== 'high') return null;
  return hosts.length === 1 ? (hosts[0] ?? '') : String(hosts.length);
}

export function ConfirmRun({
  action,
  model,
  onClose,
}: {
  readonly action: ActionRow;
  readonly model: RunActionModel;
  readonly onClose: () => void;
}) {
  const [typed, setTyped] = useState('');
  const hosts = (model.planRun?.targets ?? []).map((target) => visibleLine(target.hostName, 100));
  const challenge = challengeOf(action, hosts);
  return (
    <ConfirmDialog
      isOpen
      title={t.confirmTitle(action.title)}
      verb={hosts.length > 1 ? t.runOn(hosts.length) : t.run}
      isDanger={action.risk === 'high'}
      isBusy={model.isApplying}
      isReady={challenge === null || typed.trim() === challenge}
      error={model.applyError}
      onConfirm={model.apply}
      onClose={onClose}
    >
      <RiskMark risk={action.risk} />
      <p className="hb-foreign">
        <strong>{hosts.slice(0, SHOWN_HOSTS).join(', ')}</strong>{' '}
        {hosts.length > SHOWN_HOSTS ? texts.words.truncated(hosts.length - SHOWN_HOSTS) : ''}
      </p>
      <p>{hosts.length > 1 ? t.confirmMany : t.confirmText}</p>
      {challenge === null ? null : (
        <TextInput
          label={t.confirmType(challenge)}
          value={typed}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
      )}
    </ConfirmDialog>
  );
}
