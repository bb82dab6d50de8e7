import type { DriftRow, PoolDetail } from '@hauban/shared/api';
import { NativeSelect } from '@mantine/core';
import { useRef, useState } from 'react';
import { usePoolDrift, usePoolWorks } from '../../api/pool-hooks.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { SearchField } from '../../parts/search-field.tsx';
import { ListView } from '../../parts/list-view.tsx';
import { useDebouncedField } from '../../parts/use-debounced-field.ts';
import { useListKeys } from '../../parts/use-list-keys.ts';
import { oneOf, useSearchState } from '../../parts/use-search-state.ts';
import { texts } from '../../texts/index.ts';
import { DriftLine } from './drift-line.tsx';
import { fitsDrift, lastFailure, type DriftFilter } from './drift-state.ts';
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
      <SearchField field={field} label={t.search} value={typed} onChange={setTyped} />
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

/** What it means that nothing differs. */
const noDrift = ({ members }: PoolDetail) =>
  members.some(({ comparedAt }) => comparedAt !== null)
    ? { title: t.inOrder, text: t.inOrderText }
    : { title: t.notCompared, text: t.notComparedText };

type Asked = { readonly kind: 'repair' | 'adopt'; readonly row: DriftRow };

/** How the nodes differ from what is wished, newest first; each is put right or adopted here. */
export function DriftTab({ pool, mayAct }: { readonly pool: PoolDetail; readonly mayAct: boolean }) {
  const drift = usePoolDrift(pool);
  const works = usePoolWorks(pool);
  const [search] = useSearchState();
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
  const isFiltered = filter.nodeId !== '' || filter.text !== '' || filter.state !== 'open';
  const close = (): void => setAsked(null);
  return (
    <div className="hb-stack">
      <DriftFilters pool={pool} filter={filter} field={field} />
      <ListView
        query={drift}
        what={texts.pools.drift}
        fits={(row) => fitsDrift(row, filter)}
        none={noDrift(pool)}
        noMatch={isFiltered ? t.driftNoMatch : t.inOrder}
        step={STEP}
        place={list}
      >
        {(rows) =>
          rows.map((row) => (
            <DriftLine
              key={`${row.nodeId} ${row.itemId}`}
              row={row}
              failure={lastFailure(row, works.data ?? [])}
              acts={acts}
            />
          ))
        }
      </ListView>
      {asked === null ? null : asked.kind === 'repair' ? (
        <PutRight pool={pool} row={asked.row} onClose={close} />
      ) : (
        <Adopt pool={pool} row={asked.row} onClose={close} />
      )}
    </div>
  );
}
