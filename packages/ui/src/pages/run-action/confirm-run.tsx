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
export function challengeOf(action: ActionRow, host: string | null, count: number): string | null {
  if (action.risk !== 'high') return null;
  return host ?? String(count);
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
  const isOne = model.plan.kind === 'ready' && model.plan.hash !== null;
  const able = model.plan.kind === 'ready' ? model.plan.groups.filter(({ kind }) => kind === 'changes') : [];
  const hosts = able.flatMap(({ nodes }) => nodes.map(({ hostName }) => visibleLine(hostName, 100)));
  const count = able.reduce((sum, group) => sum + group.count, 0);
  const challenge = challengeOf(action, isOne ? (hosts[0] ?? '') : null, count);
  return (
    <ConfirmDialog
      isOpen
      title={t.confirmTitle(action.title)}
      verb={isOne ? t.run : t.runOn(count)}
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
        {count > SHOWN_HOSTS ? texts.words.truncated(count - SHOWN_HOSTS) : ''}
      </p>
      <p>{isOne ? t.confirmText : t.confirmMany}</p>
      {isOne || model.on === '' || !model.isBySelector ? null : (
        <p className="hb-mono hb-foreign">{visibleLine(model.on, 300)}</p>
      )}
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
