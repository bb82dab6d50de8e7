/** The audit log: what vouches for it, filters, newest first, page by page. */
import type { AuditQuery } from '@hauban/shared/api';
import { Button, Switch } from '@mantine/core';
import { useRef, useState } from 'react';
import { auditExportPath } from '../../api/api.ts';
import { useAudit, useMe } from '../../api/hooks.ts';
import { EmptyState, QueryView } from '../../parts/notices.tsx';
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

function AuditRows({ query, isFollowed }: { readonly query: AuditQuery; readonly isFollowed: boolean }) {
  const audit = useAudit(query, isFollowed);
  return (
    <QueryView query={audit}>
      {({ pages }) => {
        const rows = pages.flatMap((page) => page.rows);
        const hosts = new Map(
          rows.flatMap(({ nodeId, hostName }) => (nodeId === null || hostName === null ? [] : [[nodeId, hostName]])),
        );
        if (rows.length === 0) return <EmptyState title={t.empty} />;
        return (
          <>
            <Table
              label={t.tableLabel}
              columns={[
                { key: 'when', title: texts.words.when },
                { key: 'event', title: t.event },
                { key: 'who', title: t.who },
                { key: 'node', title: t.node },
                { key: 'outcome', title: t.outcome },
                { key: 'more', title: '' },
              ]}
            >
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
    </QueryView>
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
      <div className="hb-card" ref={list}>
        <AuditRows query={{ ...auditQuery(search), limit: PAGE_SIZE }} isFollowed={isFollowed} />
      </div>
    </Page>
  );
}
