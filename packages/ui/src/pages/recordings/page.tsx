/** Recordings: every shell that was opened, newest first. */
import { SegmentedControl, TextInput } from '@mantine/core';
import { useRef } from 'react';
import { useSessions } from '../../api/hooks.ts';
import { ListView } from '../../parts/list-view.tsx';
import { Page } from '../../parts/page.tsx';
import { SessionTable } from '../../parts/session-table.tsx';
import { MoreRows } from '../../parts/table.tsx';
import { useDebouncedField } from '../../parts/use-debounced-field.ts';
import { useListKeys } from '../../parts/use-list-keys.ts';
import { useSearchState } from '../../parts/use-search-state.ts';
import { texts } from '../../texts/index.ts';

const t = texts.recordings;
const PAGE_SIZE = 50;

export default function RecordingsPage() {
  const [search, setSearch] = useSearchState();
  const by = search['by'] ?? '';
  const isOpenOnly = search['open'] === 'true';
  const [typed, setTyped] = useDebouncedField(by, (text) => setSearch({ by: text }));
  const field = useRef<HTMLInputElement | null>(null);
  const list = useRef<HTMLDivElement | null>(null);
  useListKeys(field, list);
  const sessions = useSessions(isOpenOnly ? 'shells' : 'recordings', {
    limit: PAGE_SIZE,
    ...(by === '' ? {} : { openedBy: by }),
    ...(isOpenOnly ? { open: true } : {}),
  });
  return (
    <Page title={t.title}>
      <div className="hb-filters" role="search" aria-label={t.filtersLabel}>
        <TextInput
          ref={field}
          aria-label={t.by}
          placeholder={`${t.by}  /`}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <SegmentedControl
          className="hb-filter-tail"
          aria-label={texts.words.state}
          value={isOpenOnly ? 'open' : 'all'}
          onChange={(value) => setSearch({ open: value === 'open' ? 'true' : '' })}
          data={[
            { value: 'all', label: t.all },
            { value: 'open', label: t.onlyOpen },
          ]}
        />
      </div>
      <ListView
        query={{ ...sessions, data: sessions.data?.pages.flatMap((page) => page.sessions) }}
        what={t.title}
        isPart={by !== '' || isOpenOnly}
        none={{ title: t.emptyTitle, text: t.emptyText }}
        noMatch={t.noMatch}
        place={list}
      >
        {(rows) => (
          <>
            <SessionTable sessions={rows} />
            <MoreRows pages={sessions} />
          </>
        )}
      </ListView>
    </Page>
  );
}
