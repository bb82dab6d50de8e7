/** Pools: which there are, whose nodes differ from what is wished; owners make, change and forget them here. */
import type { PoolRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { useRef, useState } from 'react';
import { useMe } from '../../api/hooks.ts';
import { usePools } from '../../api/pool-hooks.ts';
import { SearchField } from '../../parts/search-field.tsx';
import { ListView } from '../../parts/list-view.tsx';
import { Page } from '../../parts/page.tsx';
import { useDebouncedField } from '../../parts/use-debounced-field.ts';
import { useListKeys } from '../../parts/use-list-keys.ts';
import { useSearchState } from '../../parts/use-search-state.ts';
import { texts } from '../../texts/index.ts';
import { ForgetPool } from './forget-pool.tsx';
import { PoolDialog } from './pool-dialog.tsx';
import { PoolTable } from './pool-table.tsx';

const t = texts.pools;

const fits = ({ name, on }: PoolRow, text: string): boolean =>
  `${name} ${on ?? ''}`.toLowerCase().includes(text.toLowerCase());

type Opened = { readonly kind: 'make' } | { readonly kind: 'change' | 'forget'; readonly pool: PoolRow };

function OpenedDialog({ opened, onClose }: { readonly opened: Opened | null; readonly onClose: () => void }) {
  if (opened === null) return null;
  if (opened.kind === 'forget') return <ForgetPool pool={opened.pool} onClose={onClose} />;
  return <PoolDialog pool={opened.kind === 'make' ? null : opened.pool} onClose={onClose} />;
}

export default function PoolsPage() {
  const pools = usePools();
  const me = useMe();
  const [search, setSearch] = useSearchState();
  const text = search['text'] ?? '';
  const [typed, setTyped] = useDebouncedField(text, (value) => setSearch({ text: value.trim() }));
  const [opened, setOpened] = useState<Opened | null>(null);
  const field = useRef<HTMLInputElement | null>(null);
  const list = useRef<HTMLDivElement | null>(null);
  useListKeys(field, list);
  const isOwner = me.data?.may.own === true;
  const make = isOwner ? <Button onClick={() => setOpened({ kind: 'make' })}>{t.make}</Button> : undefined;
  const acts = {
    onChange: (pool: PoolRow) => setOpened({ kind: 'change', pool }),
    onForget: (pool: PoolRow) => setOpened({ kind: 'forget', pool }),
  };
  return (
    <Page title={t.title} lead={t.lead} actions={make}>
      <div className="hb-filters" role="search">
        <SearchField field={field} label={t.search} value={typed} onChange={setTyped} />
      </div>
      <ListView
        query={pools}
        what={t.title}
        fits={(pool) => fits(pool, text)}
        none={{ title: t.none, text: isOwner ? t.noneText : `${t.noneText} ${t.noneMine}`, action: make }}
        noMatch={t.noMatch}
        place={list}
      >
        {(rows) => <PoolTable rows={rows} acts={isOwner ? acts : null} />}
      </ListView>
      <OpenedDialog opened={opened} onClose={() => setOpened(null)} />
    </Page>
  );
}
