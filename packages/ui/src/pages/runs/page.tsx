/** Runs: what was planned and done, by whom, newest first. */
import type { RunState } from '@hauban/shared/api';
import { Button, NativeSelect } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useRef, type RefObject } from 'react';
import { useActions, useRuns } from '../../api/hooks.ts';
import { SearchField } from '../../parts/search-field.tsx';
import { ListView } from '../../parts/list-view.tsx';
import { Page } from '../../parts/page.tsx';
import { RunTable } from '../../parts/run-table.tsx';
import { MoreRows } from '../../parts/table.tsx';
import { useDebouncedField } from '../../parts/use-debounced-field.ts';
import { useListKeys } from '../../parts/use-list-keys.ts';
import { useSearchState } from '../../parts/use-search-state.ts';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.runs;
const PAGE_SIZE = 50;
const STATES: readonly RunState[] = ['running', 'paused', 'stopped', 'cancelled', 'finished'];

function RunFilters({ field }: { readonly field: RefObject<HTMLInputElement | null> }) {
  const [search, setSearch] = useSearchState();
  const [typed, setTyped] = useDebouncedField(search['text'] ?? '', (value) => setSearch({ text: value.trim() }));
  const actions = useActions();
  const state = search['state'] ?? '';
  const action = search['action'] ?? '';
  return (
    <div className="hb-filters">
      <SearchField field={field} label={t.search} value={typed} onChange={setTyped} />
      <NativeSelect
        aria-label={t.filterState}
        value={state}
        onChange={(event) => setSearch({ state: event.currentTarget.value })}
        data={[
          { value: '', label: `${t.filterState}: ${texts.words.any}` },
          ...STATES.map((each) => ({ value: each, label: t.states[each] })),
        ]}
      />
      <NativeSelect
        aria-label={t.filterAction}
        value={action}
        onChange={(event) => setSearch({ action: event.currentTarget.value })}
        data={[
          { value: '', label: `${t.filterAction}: ${texts.words.any}` },
          ...(actions.data ?? []).map(({ name }) => name),
        ]}
      />
    </div>
  );
}

export default function RunsPage() {
  const [search] = useSearchState();
  const action = search['action'] ?? '';
  const state = STATES.find((each) => each === search['state']);
  const text = search['text'] ?? '';
  const nodeId = search['node'] ?? '';
  const runs = useRuns({
    limit: PAGE_SIZE,
    ...(action === '' ? {} : { action }),
    ...(state === undefined ? {} : { state }),
    ...(text === '' ? {} : { text }),
    ...(nodeId === '' ? {} : { nodeId }),
  });
  const list = useRef<HTMLDivElement | null>(null);
  const field = useRef<HTMLInputElement | null>(null);
  useListKeys(field, list);
  const choose = (
    <Button component={Link} to={paths.actions}>
      {t.toActions}
    </Button>
  );
  return (
    <Page title={t.title} actions={choose}>
      <RunFilters field={field} />
      <ListView
        query={{ ...runs, data: runs.data?.pages.flatMap((page) => page.runs) }}
        what={t.title}
        isPart={action !== '' || state !== undefined || text !== '' || nodeId !== ''}
        none={{ title: t.emptyTitle, text: t.emptyText, action: choose }}
        noMatch={t.noMatch}
        place={list}
      >
        {(rows) => (
          <>
            <RunTable runs={rows} />
            <MoreRows pages={runs} />
          </>
        )}
      </ListView>
    </Page>
  );
}
