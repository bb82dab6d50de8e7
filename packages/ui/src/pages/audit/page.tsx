/** The audit log: what vouches for it, filters, newest first, page by page. */
import type { AuditQuery } from '@hauban/shared/api';
import { Button, Switch } from '@mantine/core';
import { useRef, useState, type RefObject } from 'react';
import { auditExportPath } from '../../api/api.ts';
import { useAudit, useMe } from '../../api/hooks.ts';
import { ListView } from '../../parts/list-view.tsx';
import { Page } from '../../parts/page.tsx';
import { MoreRows, Table } from '../../parts/table.tsx';
import { useListKeys } from '../../parts/use-list-keys.ts';
import { useSearchState } from '../../parts/use-search-state.ts';
import { texts } from '../../texts/index.ts';
import { AuditFilters } from './audit-filters.tsx';
import { auditQuery } from './audit-query.ts';
import { AuditLine } from './audit-line.tsx';
import { AuditStanding } from './audit-standing.tsx';
import './audit.css';

const t = texts.audit;
const PAGE_SIZE = 100;

const COLUMNS = [
  { key: 'when', title: texts.words.when },
  { key: 'event', title: t.event },
  { key: 'who', title: t.who },
  { key: 'node', title: t.node },
  { key: 'outcome', title: t.outcome },
  { key: 'more', title: '' },
];

interface EntriesProps {
  readonly query: AuditQuery;
  readonly isFollowed: boolean;
  readonly place: RefObject<HTMLDivElement | null>;
}

function Entries({ query, isFollowed, place }: EntriesProps) {
  const audit = useAudit({ ...query, limit: PAGE_SIZE }, isFollowed);
  return (
    <ListView
      query={{ ...audit, data: audit.data?.pages.flatMap((page) => page.rows) }}
      what={t.title}
      isPart={Object.keys(query).length > 0}
      none={{ title: t.none }}
      noMatch={t.empty}
      place={place}
    >
      {(rows) => {
        const hosts = new Map(
          rows.flatMap(({ nodeId, hostName }) => (nodeId === null || hostName === null ? [] : [[nodeId, hostName]])),
        );
        return (
          <>
            <Table label={t.tableLabel} columns={COLUMNS}>
              {rows.map((row) => (
                <AuditLine
                  key={row.seq}
                  row={row}
                  host={row.nodeId === null ? null : (hosts.get(row.nodeId) ?? null)}
                />
              ))}
            </Table>
            <MoreRows pages={audit} />
          </>
        );
      }}
    </ListView>
  );
}

export default function AuditPage() {
  const [search, setSearch] = useSearchState();
  const isOwner = useMe().data?.may.own === true;
  const [isFollowed, setIsFollowed] = useState(false);
  const field = useRef<HTMLInputElement | null>(null);
  const list = useRef<HTMLDivElement | null>(null);
  useListKeys(field, list);
  return (
    <Page title={t.title} lead={t.text}>
      <AuditStanding />
      <div className="hb-row hb-spread">
        <Switch
          label={t.follow}
          checked={isFollowed}
          onChange={(event) => setIsFollowed(event.currentTarget.checked)}
        />
        {isOwner ? (
          <Button component="a" href={auditExportPath} download variant="default" title={t.exportHint}>
            {t.export}
          </Button>
        ) : null}
      </div>
      <AuditFilters search={search} onChange={setSearch} field={field} />
      <Entries query={auditQuery(search)} isFollowed={isFollowed} place={list} />
    </Page>
  );
}
