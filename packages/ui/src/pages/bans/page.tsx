/** The telephone case: one address, every node asked at once, one click lifts it. */
import { BAN_SEARCH_ACTION, BAN_SEARCH_WITHIN_MS, summariseBans, type RunDetail } from '@hauban/shared/api';
import { Button, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { useRun } from '../../api/hooks.ts';
import { useAllTargets } from '../../api/run-hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { ErrorNotice, Loading, Notice } from '../../parts/notices.tsx';
import { progressOf } from '../../parts/order-look.ts';
import { Page } from '../../parts/page.tsx';
import { useSearchState } from '../../parts/use-search-state.ts';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';
import { FoundTable, SilentNodes } from './ban-rows.tsx';
import { Lifted, LiftButton } from './lift-ban.tsx';

const t = texts.bans;

function Progress({ run }: { readonly run: RunDetail }) {
  const { over, total } = progressOf(run.counts);
  // Who was away when it was asked has given no answer; those nodes are named below.
  const text = t.asked(over - (run.counts['expired'] ?? 0), total);
  return (
    <div className="hb-steps" role="status">
      {run.finishedAt === null ? <progress max={total} value={over} aria-label={text} /> : null}
      <span className="hb-quiet">{text}</span>
    </div>
  );
}

function Result({ run }: { readonly run: RunDetail }) {
  const [state, setState] = useSearchState();
  const search = summariseBans(useAllTargets(run));
  const { found, clear, away, unsure } = search;
  const lifting = state['lift'] ?? '';
  const { address: asked } = run.args;
  const address = visibleLine(typeof asked === 'string' ? asked : '', 60);
  const isOver = run.finishedAt !== null;
  return (
    <>
      <Progress run={run} />
      {found.length > 0 ? (
        <Notice tone="bad">{t.isBanned(address, found.length)}</Notice>
      ) : isOver ? (
        <Notice tone={away.length + unsure.length > 0 ? 'warn' : 'ok'}>{t.isClear(address, clear)}</Notice>
      ) : null}
      {found.length === 0 ? null : <FoundTable found={found} />}
      <LiftButton search={search} isDone={lifting !== ''} onStarted={(id) => setState({ lift: id })} />
      {lifting === '' ? null : <Lifted runId={lifting} />}
      <SilentNodes nodes={away} title={t.away(away.length)} withDetail={false} />
      <SilentNodes nodes={unsure} title={t.unsure(unsure.length)} withDetail />
      <p className="hb-quiet">
        {found.length > 0 ? `${t.clear(clear)} ` : null}
        <Link to={paths.run(run.id)}>{t.runOf}</Link>
      </p>
    </>
  );
}

function Search({ runId }: { readonly runId: string }) {
  const run = useRun(runId);
  if (run.data === undefined) return run.error === null ? <Loading /> : <ErrorNotice error={run.error} />;
  return run.data.action === BAN_SEARCH_ACTION ? (
    <Result run={run.data} />
  ) : (
    <Notice tone="warn">{t.notASearch}</Notice>
  );
}

export default function BansPage() {
  const { api } = useServices();
  const [state, setState] = useSearchState();
  const [address, setAddress] = useState(state['address'] ?? '');
  const runId = state['run'] ?? '';
  const searching = useMutation({
    mutationFn: (wanted: string) =>
      api.startRun({
        action: BAN_SEARCH_ACTION,
        args: { address: wanted },
        on: 'all',
        mode: 'apply',
        strategy: 'at-once',
        startWithinMs: BAN_SEARCH_WITHIN_MS,
      }),
    onSuccess: (run, wanted) => setState({ address: wanted, run: run.id, lift: '' }),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const wanted = address.trim();
    if (wanted !== '') searching.mutate(wanted);
  };
  return (
    <Page title={t.title} lead={t.lead}>
      <form className="hb-filters" onSubmit={submit} noValidate role="search">
        <TextInput
          className="hb-filter-wide hb-mono"
          type="search"
          aria-label={t.address}
          placeholder={t.addressHint}
          maxLength={49}
          autoComplete="off"
          spellCheck={false}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={address}
          onChange={(event) => setAddress(event.currentTarget.value)}
        />
        <Button type="submit" loading={searching.isPending} disabled={address.trim() === ''}>
          {runId === '' ? t.search : t.again}
        </Button>
      </form>
      {searching.error === null ? null : <ErrorNotice error={searching.error} />}
      {runId === '' ? null : <Search runId={runId} key={runId} />}
    </Page>
  );
}
