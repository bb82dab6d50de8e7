/** Runs: what was planned and done, by whom, newest first. */
import { Button, NativeSelect } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useRef } from 'react';
import { useActions, useRuns } from '../../api/hooks.ts';
import { EmptyState, QueryView } from '../../parts/notices.tsx';
import { Page } from '../../parts/page.tsx';
import { RunTable } from '../../parts/run-table.tsx';
import { MoreRows } from '../../parts/table.tsx';
import { useListKeys } from '../../parts/use-list-keys.ts';
import { useSearchState } from '../../parts/use-search-state.ts';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.runs;
const PAGE_SIZE = 50;

export default function RunsPage() {
  const [search, setSearch] = useSearchState();
  const action = search['action'] ?? '';
  const nodeId = search['node'] ?? '';
  const actions = useActions();
  const runs = useRuns({
    limit: PAGE_SIZE,
    ...(action === '' ? {} : { action }),
    ...(nodeId === '' ? {} : { nodeId }),
  });
  const list = useRef<HTMLDivElement | null>(null);
  const noSearch = useRef<HTMLInputElement | null>(null);
  useListKeys(noSearch, list);
  const choose = (
    <Button component={Link} to={paths.actions}>
      {t.toActions}
    </Button>
  );
  return (
    <Page title={t.title} actions={choose}>
      <div className="hb-filters">
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
      <div className="hb-card" ref={list}>
        <QueryView query={runs}>
          {({ pages }) => {
            const rows = pages.flatMap((page) => page.runs);
            if (rows.length > 0) {
              return (
                <>
                  <RunTable runs={rows} />
                  <MoreRows pages={runs} />
                </>
              );
            }
            return action === '' ? (
              <EmptyState title={t.emptyTitle} action={choose}>
                {t.emptyText}
              </EmptyState>
            ) : (
              <EmptyState title={t.noMatch} />
            );
          }}
        </QueryView>
      </div>
    </Page>
  );
}
