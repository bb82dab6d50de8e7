import type { DriftRow, PoolDetail } from '@hauban/shared/api';
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useRef, useState } from 'react';
import { usePoolDrift, usePoolWorks } from '../../api/pool-hooks.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { EmptyState, QueryView } from '../../parts/notices.tsx';
import { useDebouncedField } from '../../parts/use-debounced-field.ts';
import { useListKeys } from '../../parts/use-list-keys.ts';
import { oneOf, useSearchState } from '../../parts/use-search-state.ts';
import { texts } from '../../texts/index.ts';
import { DriftLine } from './drift-line.tsx';
import { filterDrift, lastFailure, type DriftFilter } from './drift-state.ts';
import { Adopt, PutRight } from './put-right.tsx';

const t = texts.pool;
const STATES = ['open', 'differs', 'blocked', 'adopted', 'all'] as const;
const STEP = 50;

function DriftFilters({
  pool,
  filter,
  field,
}: {
  readonly pool: PoolDetail;
  readonly filter: DriftFilter;
  readonly field: React.RefObject<HTMLInputElement | null>;
}) {
  const [, setSearch] = useSearchState();
  const [typed, setTyped] = useDebouncedField(filter.text, (value) => setSearch({ text: value.trim() }));
  return (
    <div className="hb-filters" role="search">
      <TextInput
        ref={field}
        className="hb-filter-wide"
        type="search"
        aria-label={t.search}
        placeholder={`${t.search}  /`}
        maxLength={200}
        leftSection={<IconSearch size={16} aria-hidden />}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      <NativeSelect
        aria-label={t.node}
        value={filter.nodeId}
        onChange={(event) => setSearch({ node: event.currentTarget.value })}
        data={[
          { value: '', label: t.anyNode },
          ...pool.members.map(({ nodeId, hostName }) => ({ value: nodeId, label: visibleLine(hostName, 60) })),
        ]}
      />
      <NativeSelect
        aria-label={t.state}
        value={filter.state}
        onChange={(event) =>
          setSearch({ state: event.currentTarget.value === 'open' ? '' : event.currentTarget.value })
        }
        data={STATES.map((each) => ({ value: each, label: `${t.state}: ${t.states[each]}` }))}
      />
    </div>
  );
}

function NothingDiffers({ pool, isFiltered }: { readonly pool: PoolDetail; readonly isFiltered: boolean }) {
  if (isFiltered) return <EmptyState title={t.driftNoMatch} />;
  return pool.members.some(({ comparedAt }) => comparedAt !== null) ? (
    <EmptyState title={t.inOrder}>{t.inOrderText}</EmptyState>
  ) : (
    <EmptyState title={t.notCompared}>{t.notComparedText}</EmptyState>
  );
}

type Asked = { readonly kind: 'repair' | 'adopt'; readonly row: DriftRow };

/** How the nodes differ from what is wished, newest first; each is put right or adopted here. */
export function DriftTab({ pool, mayAct }: { readonly pool: PoolDetail; readonly mayAct: boolean }) {
  const drift = usePoolDrift(pool);
  const works = usePoolWorks(pool);
  const [search] = useSearchState();
  const [shown, setShown] = useState(STEP);
  const [asked, setAsked] = useState<Asked | null>(null);
  const field = useRef<HTMLInputElement | null>(null);
  const list = useRef<HTMLDivElement | null>(null);
  useListKeys(field, list);
  const filter = {
    nodeId: search['node'] ?? '',
    state: oneOf(search['state'], STATES),
    text: search['text'] ?? '',
  };
  const acts = mayAct
    ? {
        onRepair: (row: DriftRow) => setAsked({ kind: 'repair', row }),
        onAdopt: (row: DriftRow) => setAsked({ kind: 'adopt', row }),
      }
    : null;
  const close = (): void => setAsked(null);
  return (
    <div className="hb-stack">
      <DriftFilters pool={pool} filter={filter} field={field} />
      <div className="hb-card" ref={list}>
        <QueryView query={drift} what={texts.pools.drift}>
          {(all) => {
            const rows = filterDrift(all, filter);
            const isFiltered = filter.nodeId !== '' || filter.text !== '' || filter.state !== 'open';
            if (rows.length === 0) return <NothingDiffers pool={pool} isFiltered={isFiltered} />;
            return (
              <>
                {rows.slice(0, shown).map((row) => (
                  <DriftLine
                    key={`${row.nodeId} ${row.itemId}`}
                    row={row}
                    failure={lastFailure(row, works.data ?? [])}
                    acts={acts}
                  />
                ))}
                {rows.length > shown ? (
                  <div className="hb-table-foot">
                    <Button variant="default" size="compact-sm" onClick={() => setShown(shown + STEP)}>
                      {texts.words.more}
                    </Button>
                  </div>
                ) : null}
              </>
            );
          }}
        </QueryView>
      </div>
      {asked === null ? null : asked.kind === 'repair' ? (
        <PutRight pool={pool} row={asked.row} onClose={close} />
      ) : (
        <Adopt pool={pool} row={asked.row} onClose={close} />
      )}
    </div>
  );
}
