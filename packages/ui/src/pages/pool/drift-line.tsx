import type { DriftRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { visibleLine } from '../../format/visible-text.ts';
import { Mark } from '../../parts/mark.tsx';
import { Notice } from '../../parts/notices.tsx';
import { Facts } from '../../parts/page.tsx';
import { PlanView } from '../../parts/plan-view.tsx';
import { DateTime, RelativeTime } from '../../parts/time-text.tsx';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';
import { DRIFT_TONES, driftState } from './drift-state.ts';

const t = texts.pool;

/** The difference itself: removed is what is there, added what is wished. */
function DriftDiff({ row }: { readonly row: DriftRow }) {
  if (row.changes.length === 0) return null;
  return (
    <>
      <PlanView plan={{ hash: row.hash, changes: row.changes, notes: [] }} />
      <p className="hb-quiet hb-small">{t.legend}</p>
    </>
  );
}

/** What differs, in a sentence and as a diff. */
export function DriftChanges({ row }: { readonly row: DriftRow }) {
  return (
    <div className="hb-stack">
      <p className="hb-foreign">{visibleLine(row.says, 1000)}</p>
      <DriftDiff row={row} />
    </div>
  );
}

function Times({ row }: { readonly row: DriftRow }) {
  const adopted =
    row.adoptedAt === null
      ? []
      : ([
          [
            t.adopted,
            <span key="adopted">
              <span className="hb-foreign">{texts.pool.byAt(visibleLine(row.adoptedBy ?? '', 64))}</span>{' '}
              <DateTime at={row.adoptedAt} />
            </span>,
          ],
        ] as const);
  return (
    <Facts
      rows={[
        ...(row.changedAt === null ? [] : ([[t.changed, <DateTime key="changed" at={row.changedAt} />]] as const)),
        [t.since, <DateTime key="since" at={row.since} />],
        [t.seen, <DateTime key="seen" at={row.seenAt} />],
        ...adopted,
      ]}
    />
  );
}

export interface DriftActs {
  readonly onRepair: (row: DriftRow) => void;
  readonly onAdopt: (row: DriftRow) => void;
}

interface DriftLineProps {
  readonly row: DriftRow;
  /** Why the newest try to put it right failed. */
  readonly failure: string | null;
  /** Null: the reader may only look. */
  readonly acts: DriftActs | null;
}

function Body({ row, failure, acts }: DriftLineProps) {
  const is = driftState(row);
  return (
    <div className="hb-drift-body hb-stack">
      {row.state === 'blocked' ? (
        <>
          <Notice tone="bad">
            <strong>{t.whyBlocked}</strong>: <span className="hb-foreign">{visibleLine(row.says, 1000)}</span>
          </Notice>
          <DriftDiff row={row} />
        </>
      ) : (
        <DriftChanges row={row} />
      )}
      {failure === null ? null : (
        <Notice tone="warn">
          {t.lastTry}: <span className="hb-foreign">{visibleLine(failure, 500)}</span>
        </Notice>
      )}
      <Times row={row} />
      {acts === null ? null : (
        <div className="hb-row">
          {row.state === 'blocked' ? null : (
            <Button size="compact-sm" onClick={() => acts.onRepair(row)}>
              {t.putRight}
            </Button>
          )}
          {is === 'adopted' ? null : (
            <Button size="compact-sm" variant="default" onClick={() => acts.onAdopt(row)}>
              {t.adopt}
            </Button>
          )}
          <Link to={paths.node(row.nodeId)}>{visibleLine(row.hostName, 100)}</Link>
        </div>
      )}
    </div>
  );
}

/** One difference of one node; what it is, is drawn when it is opened. */
export function DriftLine(props: DriftLineProps) {
  const { row } = props;
  const [isOpen, setIsOpen] = useState(false);
  const is = driftState(row);
  return (
    <details className="hb-drift" open={isOpen} onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary data-row-link>
        <Mark tone={DRIFT_TONES[is]} word={t.is[is]} hint={t.hints[is]} isBoxed />
        <strong className="hb-foreign">{visibleLine(row.hostName, 100)}</strong>
        <span className="hb-foreign hb-grow">{visibleLine(row.key, 200)}</span>
        <span className="hb-quiet hb-small">
          {row.changedAt === null ? t.since : t.changed} <RelativeTime at={row.changedAt ?? row.since} />
        </span>
      </summary>
      {isOpen ? <Body {...props} /> : null}
    </details>
  );
}
