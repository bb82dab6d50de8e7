import { parsePrefix } from '@hauban/shared/actions';
import type { BanListEntry, BanListRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { useRef, useState } from 'react';
import { useBanEntries } from '../../api/ban-hooks.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { ListView } from '../../parts/list-view.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import { MoreRows, Table } from '../../parts/table.tsx';
import { DateTime } from '../../parts/time-text.tsx';
import { useDebouncedField } from '../../parts/use-debounced-field.ts';
import { useListKeys } from '../../parts/use-list-keys.ts';
import { useSearchState } from '../../parts/use-search-state.ts';
import { texts } from '../../texts/index.ts';
import { TakeOff } from './take-off.tsx';

const t = texts.banList;
const reasonOf = (reason: string): string =>
  (t.reasons as Readonly<Record<string, string>>)[reason] ?? visibleLine(reason, 40);

function EntryLine({ entry, onTake }: { readonly entry: BanListEntry; readonly onTake: (() => void) | null }) {
  const { target, until, reason, addedAt, addedBy } = entry;
  return (
    <tr>
      <td className="hb-mono">{target}</td>
      <td data-end>{reasonOf(reason)}</td>
      <td data-label={texts.bans.until}>{until === null ? t.untilTakenOff : <DateTime at={until} />}</td>
      <td data-wide data-label={t.since}>
        <DateTime at={addedAt} />{' '}
        <span className="hb-quiet hb-foreign">{texts.pool.byAt(visibleLine(addedBy, 64)).replace(/,$/, '')}</span>
      </td>
      {onTake === null ? null : (
        <td data-end className="hb-number">
          <Button size="compact-sm" variant="default" onClick={onTake}>
            {t.take}
          </Button>
        </td>
      )}
    </tr>
  );
}

const COLUMNS = [
  { key: 'target', title: texts.bans.target },
  { key: 'reason', title: texts.words.reason },
  { key: 'until', title: texts.bans.until },
  { key: 'since', title: t.since },
];

/** What is on a list, page by page, or what of it is about an address. */
export function EntryTable({ list, mayAct }: { readonly list: BanListRow; readonly mayAct: boolean }) {
  const [search, setSearch] = useSearchState();
  const holds = search['holds'] ?? '';
  const isAddress = holds === '' || parsePrefix(holds) !== null;
  const [typed, setTyped] = useDebouncedField(holds, (value) => setSearch({ holds: value.trim() }));
  const entries = useBanEntries(list.id, isAddress ? holds : '');
  const [taken, setTaken] = useState<BanListEntry | null>(null);
  const field = useRef<HTMLInputElement | null>(null);
  const rows = useRef<HTMLDivElement | null>(null);
  useListKeys(field, rows);
  const known = entries.data?.pages.flatMap((page) => page.entries);
  return (
    <div className="hb-stack" ref={rows}>
      <div className="hb-filters" role="search">
        <SearchField field={field} label={t.search} maxLength={49} value={typed} onChange={setTyped} />
      </div>
      {isAddress ? null : (
        <p className="hb-quiet hb-small" role="status">
          {t.noAddress}
        </p>
      )}
      <ListView
        query={{ ...entries, data: known }}
        what={t.entries}
        none={holds === '' ? { title: t.none, text: t.noneText } : { title: t.noMatch, text: t.noMatchText }}
      >
        {(all) => (
          <>
            <Table label={t.entries} columns={mayAct ? [...COLUMNS, { key: 'acts', title: '' }] : COLUMNS}>
              {all.map((entry) => (
                <EntryLine key={entry.target} entry={entry} onTake={mayAct ? () => setTaken(entry) : null} />
              ))}
            </Table>
            <MoreRows pages={entries} />
          </>
        )}
      </ListView>
      {taken === null ? null : <TakeOff list={list} target={taken.target} onClose={() => setTaken(null)} />}
    </div>
  );
}
