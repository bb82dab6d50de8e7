/** The fleet: every node in one table, with search, filters, key figures and live updates. */
import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useRef, useState } from 'react';
import { useMe } from '../../api/hooks.ts';
import { EmptyState, QueryView } from '../../parts/notices.tsx';
import { Page } from '../../parts/page.tsx';
import { MoreRows } from '../../parts/table.tsx';
import { useListKeys } from '../../parts/use-list-keys.ts';
import { useSearchState } from '../../parts/use-search-state.ts';
import { texts } from '../../texts/index.ts';
import { FleetFilters } from './fleet-filters.tsx';
import './fleet.css';
import { FleetTable } from './fleet-table.tsx';
import { JoinDialog } from './join-dialog.tsx';
import { fleetQuery, useFleet } from './queries.ts';

const t = texts.fleet;
const FILTERS = ['search', 'role', 'label', 'state'] as const;

export default function FleetPage() {
  const [search, setSearch] = useSearchState();
  const [isJoining, setIsJoining] = useState(false);
  const searchField = useRef<HTMLInputElement | null>(null);
  const list = useRef<HTMLDivElement | null>(null);
  useListKeys(searchField, list);
  const query = fleetQuery(search);
  const fleet = useFleet(query);
  const isFiltered = FILTERS.some((name) => (search[name] ?? '') !== '');
  // Who comes in is decided by an owner alone.
  const mayAdd = useMe().data?.role === 'owner';
  const addButton = !mayAdd ? null : (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setIsJoining(true)}>
      {t.addNode}
    </Button>
  );
  return (
    <Page title={t.title} actions={addButton}>
      <FleetFilters search={search} onChange={setSearch} field={searchField} />
      <div className="hb-card" ref={list} aria-busy={fleet.isPlaceholderData}>
        <QueryView query={fleet}>
          {({ pages }) => {
            const nodes = pages.flatMap((page) => page.nodes);
            if (nodes.length > 0) {
              return (
                <>
                  <p className="hb-visually-hidden" role="status">
                    {t.count(nodes.length, pages[0]?.total ?? nodes.length)}
                  </p>
                  <FleetTable
                    nodes={nodes}
                    sort={query.sort ?? 'hostName'}
                    order={query.order ?? 'asc'}
                    onSort={(sort, order) => setSearch({ sort, order })}
                  />
                  <MoreRows pages={fleet} />
                </>
              );
            }
            if (!isFiltered)
              return (
                <EmptyState title={mayAdd ? t.emptyTitle : t.emptyForYouTitle} action={addButton}>
                  {mayAdd ? t.emptyText : t.emptyForYouText}
                </EmptyState>
              );
            const clear = (
              <Button
                variant="default"
                onClick={() => setSearch(Object.fromEntries(FILTERS.map((name) => [name, ''])))}
              >
                {texts.words.clear}
              </Button>
            );
            return (
              <EmptyState title={t.noMatchTitle} action={clear}>
                {t.noMatchText}
              </EmptyState>
            );
          }}
        </QueryView>
      </div>
      <JoinDialog isOpen={isJoining} onClose={() => setIsJoining(false)} />
    </Page>
  );
}
