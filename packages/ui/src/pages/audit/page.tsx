/** The audit log: filters, newest first, page by page. */
import type { AuditQuery } from '@hauban/shared/api';
import { useRef } from 'react';
import { useAudit } from '../../api/hooks.ts';
import { EmptyState, QueryView } from '../../parts/notices.tsx';
import { Page } from '../../parts/page.tsx';
import { MoreRows, Table } from '../../parts/table.tsx';
import { useListKeys } from '../../parts/use-list-keys.ts';
import { useSearchState } from '../../parts/use-search-state.ts';
import { texts } from '../../texts/index.ts';
import { AuditFilters } from './audit-filters.tsx';
import { auditQuery } from './audit-query.ts';
import { AuditLine } from './audit-line.tsx';
import './audit.css';

const t = texts.audit;
const PAGE_SIZE = 100;

function AuditRows({ query }: { readonly query: AuditQuery }) {
  const audit = useAudit(query);
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
  const field = useRef<HTMLInputElement | null>(null);
  const list = useRef<HTMLDivElement | null>(null);
  useListKeys(field, list);
  return (
    <Page title={t.title} lead={t.text}>
      <AuditFilters search={search} onChange={setSearch} field={field} />
      <div className="hb-card" ref={list}>
        <AuditRows query={{ ...auditQuery(search), limit: PAGE_SIZE }} />
      </div>
    </Page>
  );
}
