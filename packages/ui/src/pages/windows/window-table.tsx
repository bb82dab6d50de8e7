import type { WindowRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { useTargets } from '../../api/run-hooks.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { Mark } from '../../parts/mark.tsx';
import { Table } from '../../parts/table.tsx';
import { DateTime } from '../../parts/time-text.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.windows;
/** What the nodes are counted for: whoever may do nothing there is told so. */
const ASKED = 'node.ping';

function Nodes({ on }: { readonly on: string }) {
  const targets = useTargets(on, ASKED);
  return (
    <>
      <span className="hb-mono hb-foreign">{visibleLine(on, 160)}</span>
      {targets.data === undefined ? null : <div className="hb-quiet hb-small">{t.means(targets.data.total)}</div>}
    </>
  );
}

function When({ window }: { readonly window: WindowRow }) {
  const { cron, zone, durationMinutes, from, until } = window;
  if (cron === null)
    return (
      <>
        <DateTime at={from} /> {t.to} <DateTime at={until} />
      </>
    );
  return (
    <>
      <span className="hb-mono hb-nowrap">{visibleLine(cron, 200)}</span> {t.minutes(durationMinutes ?? 0)}
      <div className="hb-quiet hb-small">{visibleLine(zone, 64)}</div>
    </>
  );
}

/** Whether changes go out now, and until when that is so. */
function Standing({ window: { kind, nowUntil, nextFrom } }: { readonly window: WindowRow }) {
  const isFreeze = kind === 'freeze';
  if (nowUntil !== null)
    return (
      <>
        <Mark tone={isFreeze ? 'bad' : 'ok'} word={isFreeze ? t.frozen : t.open} /> <DateTime at={nowUntil} />
      </>
    );
  if (nextFrom === null) return <Mark tone="idle" word={t.over} />;
  return (
    <>
      <Mark tone={isFreeze ? 'ok' : 'idle'} word={isFreeze ? t.free : t.closed} /> <DateTime at={nextFrom} />
    </>
  );
}

/** @param props.onRemove null: the reader is no owner */
export function WindowTable({
  rows,
  onRemove,
}: {
  readonly rows: readonly WindowRow[];
  readonly onRemove: ((window: WindowRow) => void) | null;
}) {
  const columns = [
    { key: 'name', title: t.name },
    { key: 'kind', title: t.kind },
    { key: 'on', title: t.on },
    { key: 'when', title: t.when },
    { key: 'is', title: t.is },
    { key: 'by', title: t.by },
    ...(onRemove === null ? [] : [{ key: 'acts', title: '' }]),
  ];
  return (
    <Table label={t.table} columns={columns}>
      {rows.map((window) => (
        <tr key={window.id}>
          <td>
            <strong className="hb-foreign">{visibleLine(window.name, 40)}</strong>
          </td>
          <td data-end title={t.kindHints[window.kind]}>
            {t.kinds[window.kind]}
          </td>
          <td data-wide>
            <Nodes on={window.on} />
          </td>
          <td data-wide data-label={t.when}>
            <When window={window} />
          </td>
          <td data-wide data-label={t.is}>
            <Standing window={window} />
          </td>
          <td data-label={t.by} className="hb-foreign">
            {visibleLine(window.createdBy, 64)}
          </td>
          {onRemove === null ? null : (
            <td data-end className="hb-number">
              <Button size="compact-sm" variant="default" onClick={() => onRemove(window)}>
                {t.remove}
              </Button>
            </td>
          )}
        </tr>
      ))}
    </Table>
  );
}
