import type { RunDetail } from '@hauban/shared/api';
import { Button, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { keys, useMe } from '../../api/hooks.ts';
import type { RunVerb } from '../../api/run-calls.ts';
import { useServices } from '../../api/services.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { ErrorNotice } from '../../parts/notices.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.run;
/** More nodes than this are chosen anew. */
const MAX_AGAIN = 40;
const WORDS: Record<RunVerb, string> = { pause: t.pause, resume: t.resume, cancel: t.cancel, undo: t.undo };
const FAILED: readonly string[] = ['failed', 'refused', 'undetermined', 'harmed', 'expired'];

const has = ({ counts }: RunDetail, states: readonly string[]): boolean =>
  states.some((state) => (counts[state] ?? 0) > 0);

/** What can be done to a run as it stands. */
export function verbsOf(run: RunDetail): {
  readonly verbs: readonly RunVerb[];
  readonly retry: 'failed' | 'unfinished' | null;
} {
  const isOpen = run.finishedAt === null;
  const isHeldBack = run.rollout !== null && isOpen;
  const isUndoing = Object.keys(run.counts).some((state) => state.startsWith('undo-'));
  const mayUndo = run.mode === 'apply' && !isUndoing && has(run, ['succeeded', 'harmed']) && (!isOpen || isHeldBack);
  const isCut = run.state === 'stopped' || run.state === 'cancelled';
  const retry = isOpen ? null : isCut && has(run, ['cancelled']) ? 'unfinished' : has(run, FAILED) ? 'failed' : null;
  return {
    verbs: [
      ...(isHeldBack && run.state === 'running' ? (['pause'] as const) : []),
      ...(isHeldBack && run.state === 'paused' ? (['resume'] as const) : []),
      ...(isOpen && !isCut ? (['cancel'] as const) : []),
      ...(mayUndo ? (['undo'] as const) : []),
    ],
    retry,
  };
}

function ReasonDialog({ run, verb, onClose }: { run: RunDetail; verb: 'cancel' | 'undo'; onClose: () => void }) {
  const { api } = useServices();
  const client = useQueryClient();
  const [reason, setReason] = useState('');
  const change = useMutation({
    mutationFn: () => api.changeRun(run.id, verb, reason.trim() === '' ? {} : { reason: reason.trim() }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.run(run.id) });
      onClose();
    },
  });
  return (
    <ConfirmDialog
      isOpen
      isDanger
      title={verb === 'undo' ? t.undoTitle : t.cancelTitle}
      verb={verb === 'undo' ? t.undo : t.cancel}
      isBusy={change.isPending}
      error={change.error}
      onConfirm={() => change.mutate()}
      onClose={onClose}
    >
      <p>{verb === 'undo' ? t.undoText : t.cancelText}</p>
      <TextInput
        label={`${texts.words.reason} (${texts.words.optional})`}
        maxLength={300}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
    </ConfirmDialog>
  );
}

/** Pause, go on, cancel, undo, try again: as the run stands and the person may. */
export function RunControls({ run }: { readonly run: RunDetail }) {
  const { api } = useServices();
  const client = useQueryClient();
  const navigate = useNavigate();
  const me = useMe();
  const [asked, setAsked] = useState<'cancel' | 'undo' | null>(null);
  const hold = useMutation({
    mutationFn: (verb: RunVerb) => api.changeRun(run.id, verb, {}),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.run(run.id) }),
  });
  const retry = useMutation({
    mutationFn: (what: 'failed' | 'unfinished') => api.retryRun(run.id, { what }),
    onSuccess: ({ id }) => void navigate({ to: paths.run(id) }),
  });
  const { verbs, retry: what } = verbsOf(run);
  const mayAct = me.data?.may.operate === true;
  const nodes = run.targets.length > MAX_AGAIN ? [] : run.targets.map((target) => target.nodeId);
  const error = hold.error ?? retry.error;
  return (
    <>
      {mayAct && what !== null ? (
        <Button loading={retry.isPending} onClick={() => retry.mutate(what)}>
          {what === 'failed' ? t.retry : t.retryUnfinished}
        </Button>
      ) : null}
      {(mayAct ? verbs : []).map((verb) => (
        <Button
          key={verb}
          variant="default"
          loading={hold.isPending && hold.variables === verb}
          onClick={() => (verb === 'cancel' || verb === 'undo' ? setAsked(verb) : hold.mutate(verb))}
        >
          {WORDS[verb]}
        </Button>
      ))}
      <Button component={Link} to={paths.runAction(run.action, nodes, run.args, run.on ?? '')} variant="default">
        {t.again}
      </Button>
      {error === null ? null : <ErrorNotice error={error} />}
      {asked === null ? null : <ReasonDialog run={run} verb={asked} onClose={() => setAsked(null)} />}
    </>
  );
}
