import type { PoolDetail, PoolItemRow } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { visibleLine } from '../../format/visible-text.ts';
import { SearchField } from '../../parts/search-field.tsx';
import { argsText } from '../../parts/args-text.ts';
import { ListView } from '../../parts/list-view.tsx';
import { Table } from '../../parts/table.tsx';
import { RelativeTime } from '../../parts/time-text.tsx';
import { useListKeys } from '../../parts/use-list-keys.ts';
import { paths } from '../../paths.ts';
import { texts } from '../../texts/index.ts';
import { Unwish } from './unwish.tsx';
import { WishDialog } from './wish-dialog.tsx';

const t = texts.pool;
const STEP = 100;

const fits = ({ key, action, args, addedBy }: PoolItemRow, text: string): boolean =>
  `${key} ${action} ${JSON.stringify(args)} ${addedBy}`.toLowerCase().includes(text.toLowerCase());

function WishLine({ item, onRemove }: { readonly item: PoolItemRow; readonly onRemove: (() => void) | null }) {
  return (
    <tr>
      <td>
        <strong className="hb-foreign">{visibleLine(item.key, 120)}</strong>
      </td>
      <td data-end className="hb-quiet">
        <RelativeTime at={item.addedAt} />
      </td>
      <td data-wide className="hb-run-args">
        <span className="hb-mono hb-small hb-foreign hb-quiet">
          {`${visibleLine(item.action, 64)} ${argsText(item.args)}`}
        </span>
      </td>
      <td data-label={t.by}>
        <span className="hb-foreign">{visibleLine(item.addedBy, 64)}</span>
        {item.runId === null ? null : (
          <>
            {' · '}
            <Link to={paths.run(item.runId)}>{t.byRun}</Link>
          </>
        )}
      </td>
      {onRemove === null ? null : (
        <td data-end className="hb-number">
          <Button size="compact-sm" variant="default" onClick={onRemove}>
            {t.unwish}
          </Button>
        </td>
      )}
    </tr>
  );
}

const COLUMNS = [
  { key: 'about', title: t.thing },
  { key: 'added', title: t.added },
  { key: 'action', title: t.kind },
  { key: 'by', title: t.by },
];

/** What is wished of the nodes. */
export function WishesTab({ pool, mayAct }: { readonly pool: PoolDetail; readonly mayAct: boolean }) {
  const [text, setText] = useState('');
  const [isWishing, setIsWishing] = useState(false);
  const [removed, setRemoved] = useState<PoolItemRow | null>(null);
  const field = useRef<HTMLInputElement | null>(null);
  const list = useRef<HTMLDivElement | null>(null);
  useListKeys(field, list);
  const wish = mayAct ? <Button onClick={() => setIsWishing(true)}>{t.wish}</Button> : undefined;
  return (
    <div className="hb-stack">
      <div className="hb-filters" role="search">
        <SearchField field={field} label={t.wishesSearch} value={text} onChange={setText} />
        <span className="hb-filter-tail hb-push">{wish}</span>
      </div>
      <ListView
        query={{ data: pool.items, error: null, refetch: () => undefined }}
        what={t.tabs.wishes}
        fits={(item) => fits(item, text.trim())}
        none={{ title: t.wishesNone, text: t.wishesNoneText }}
        noMatch={t.wishesNoMatch}
        step={STEP}
        place={list}
      >
        {(rows) => (
          <Table label={t.wishesTable} columns={mayAct ? [...COLUMNS, { key: 'acts', title: '' }] : COLUMNS}>
            {rows.map((item) => (
              <WishLine key={item.id} item={item} onRemove={mayAct ? () => setRemoved(item) : null} />
            ))}
          </Table>
        )}
      </ListView>
      {isWishing ? <WishDialog pool={pool} onClose={() => setIsWishing(false)} /> : null}
      {removed === null ? null : <Unwish pool={pool} item={removed} onClose={() => setRemoved(null)} />}
    </div>
  );
}
