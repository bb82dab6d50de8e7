import type { AuditRow } from '@hauban/shared/api';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { visibleLine } from '../../format/visible-text.ts';
import { AuditReasons } from './audit-reasons.tsx';
import { DataView } from '../../parts/data-view.tsx';
import { Facts } from '../../parts/page.tsx';
import { OutcomeMark } from '../../parts/state-marks.tsx';
import { DateTime } from '../../parts/time-text.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';

const t = texts.audit;

function Detail({ row }: { readonly row: AuditRow }) {
  const facts: (readonly [string, React.ReactNode])[] = [[t.seq, String(row.seq)]];
  if (row.from !== null)
    facts.push([
      t.address,
      <span key="from" className="hb-mono">
        {visibleLine(row.from, 60)}
      </span>,
    ]);
  if (row.orderId !== null)
    facts.push([
      t.order,
      <span key="order" className="hb-mono">
        {row.orderId}
      </span>,
    ]);
  facts.push([
    t.hash,
    <span key="hash" className="hb-mono hb-small">
      {row.hash}
    </span>,
  ]);
  return (
    <div className="hb-stack hb-audit-detail">
      <Facts rows={facts} />
      {Object.keys(row.detail).length === 0 ? null : <DataView value={row.detail} label={t.detail} />}
      <AuditReasons seq={row.seq} nodeId={row.nodeId} />
    </div>
  );
}

/** One entry; its details open below it. `host`: name of its node, when any entry here knows it. */
export function AuditLine({ row, host }: { readonly row: AuditRow; readonly host: string | null }) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <>
      <tr className="hb-audit-row">
        <td className="hb-quiet">
          <DateTime at={row.at} />
        </td>
        <td data-wide>
          <span className="hb-mono hb-small hb-quiet">{row.code}</span> {row.title}
        </td>
        <td>
          <span className="hb-foreign">{visibleLine(row.who, 64)}</span>
        </td>
        <td data-end>
          {row.nodeId === null ? null : (
            <Link to={paths.node(row.nodeId)} className="hb-foreign">
              {visibleLine(host ?? row.nodeId, 100)}
            </Link>
          )}
        </td>
        <td>
          <OutcomeMark outcome={row.outcome} />
        </td>
        <td data-end className="hb-number">
          <button
            type="button"
            className="hb-audit-more"
            aria-expanded={isOpen}
            aria-label={t.showDetail}
            data-row-link
            onClick={() => setIsOpen(!isOpen)}
          >
            {texts.words.details}
          </button>
        </td>
      </tr>
      {isOpen ? (
        <tr className="hb-audit-open">
          <td colSpan={6} data-wide>
            <Detail row={row} />
          </td>
        </tr>
      ) : null}
    </>
  );
}
