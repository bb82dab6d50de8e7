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
import { ProgressLine } from '../../parts/progress-line.tsx';
import { Page } from '../../parts/page.tsx';
import { SelectorInput } from '../../parts/selector-input.tsx';
import { selectorProblem } from '../../parts/selector-problem.ts';
import { useSearchState } from '../../parts/use-search-state.ts';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';
import './bans.css';
import { FoundTable, SilentNodes } from './ban-rows.tsx';
import { Lifted, LiftButton } from './lift-ban.tsx';
import { OpenConnections } from './open-connections.tsx';

const t = texts.bans;
const EVERY_NODE = 'all';

/** @param answers as listed below: they may be newer than the counts of the run, and the two shall not contradict */
function Progress({ run, answers }: { readonly run: RunDetail; readonly answers: number }) {
  const { over, total } = progressOf(run.counts);
  // Who was away when it was asked has given no answer; those nodes are named below.
  const answered = Math.max(answers, over - (run.counts['expired'] ?? 0));
  return (
    <ProgressLine
      label={t.asked(answered, total)}
      value={Math.max(over, answered)}
      max={total}
      isOver={run.finishedAt !== null}
    />
  );
}

function Result({ run }: { readonly run: RunDetail }) {
  const [state, setState] = useSearchState();
  const targets = useAllTargets(run);
  const search = summariseBans(targets);
  const { found, clear, away, unsure, open, connected, counted } = search;
  const lifting = state['lift'] ?? '';
  const { address: asked } = run.args;
  const address = visibleLine(typeof asked === 'string' ? asked : '', 60);
  const isOver = run.finishedAt !== null;
  return (
    <>
      <Progress run={run} answers={targets.length - open.length - away.length} />
      {found.length > 0 ? (
        lifting === '' ? (
          <Notice tone="bad">{t.isBanned(address, found.length)}</Notice>
        ) : (
          <Notice tone="idle">{t.wasBanned(address, found.length)}</Notice>
        )
      ) : isOver ? (
        <Notice tone={away.length + unsure.length > 0 ? 'warn' : 'ok'}>{t.isClear(address, clear)}</Notice>
      ) : null}
      {found.length === 0 ? null : <FoundTable found={found} />}
      <LiftButton
        address={address}
        search={search}
        isDone={lifting !== ''}
        onStarted={(id) => setState({ lift: id })}
      />
      {lifting === '' ? null : <Lifted runId={lifting} />}
      <OpenConnections connected={connected} counted={counted} />
      <SilentNodes nodes={away} title={t.away(away.length)} withDetail={false} />
      <SilentNodes nodes={unsure} title={t.unsure(unsure.length)} withDetail />
      <p className="hb-quiet">
        {found.length > 0 && clear > 0 ? `${t.clear(clear)} ` : null}
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

interface Asked {
  readonly address: string;
  readonly on: string;
}

interface SearchFormProps {
  readonly asked: Asked;
  readonly isBusy: boolean;
  readonly isAgain: boolean;
  readonly onSearch: (wanted: Asked) => void;
}

/** The address, and which nodes are asked: who may not ask all of them says which. */
function SearchForm({ asked, isBusy, isAgain, onSearch }: SearchFormProps) {
  const [address, setAddress] = useState(asked.address);
  const [on, setOn] = useState(asked.on);
  const [isChecked, setIsChecked] = useState(false);
  const isGood = on.trim() !== '' && selectorProblem(on) === null;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setIsChecked(true);
    const wanted = { address: address.trim(), on: on.trim() };
    if (wanted.address !== '' && isGood) onSearch(wanted);
  };
  return (
    <form className="hb-filters hb-ban-search" onSubmit={submit} noValidate role="search">
      <TextInput
        className="hb-filter-wide"
        classNames={{ input: 'hb-mono' }}
        type="search"
        label={t.address}
        description={t.addressHint}
        maxLength={49}
        autoComplete="off"
        spellCheck={false}
        leftSection={<IconSearch size={16} aria-hidden />}
        value={address}
        onChange={(event) => setAddress(event.currentTarget.value)}
      />
      <div className="hb-filter-wide">
        <SelectorInput
          label={t.on}
          hint={t.onHint}
          value={on}
          problem={isChecked && on.trim() === '' ? t.onBad : null}
          action={BAN_SEARCH_ACTION}
          means={({ total, online, forbidden }) => (forbidden > 0 ? t.forbids(forbidden) : t.asks(total, online))}
          onChange={setOn}
        />
      </div>
      <Button type="submit" className="hb-filter-tail" loading={isBusy} disabled={address.trim() === ''}>
        {isAgain ? t.again : t.search}
      </Button>
    </form>
  );
}

export default function BansPage() {
  const { api } = useServices();
  const [state, setState] = useSearchState();
  const runId = state['run'] ?? '';
  const searching = useMutation({
    mutationFn: ({ address, on }: Asked) =>
      api.startRun({
        action: BAN_SEARCH_ACTION,
        args: { address },
        on,
        mode: 'apply',
        strategy: 'at-once',
        startWithinMs: BAN_SEARCH_WITHIN_MS,
      }),
    onSuccess: (run, { address, on }) => setState({ address, on: on === EVERY_NODE ? '' : on, run: run.id, lift: '' }),
  });
  const lists = (
    <Button component={Link} to={paths.banLists} variant="default">
      {t.lists}
    </Button>
  );
  return (
    <Page title={t.title} lead={t.lead} actions={lists}>
      <SearchForm
        asked={{ address: state['address'] ?? '', on: state['on'] ?? EVERY_NODE }}
        isBusy={searching.isPending}
        isAgain={runId !== ''}
        onSearch={(wanted) => searching.mutate(wanted)}
      />
      {searching.error === null ? null : <ErrorNotice error={searching.error} />}
      {runId === '' ? (
        <p className="hb-quiet">
          <Link to={paths.runAction('firewall.list')}>{t.listAll}</Link>
        </p>
      ) : (
        <Search runId={runId} key={runId} />
      )}
    </Page>
  );
}
