import type { PoolDetail, PoolItemRow } from '@hauban/shared/api';
import { Button, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { visibleLine } from '../../format/visible-text.ts';
import { argsText } from '../../parts/args-text.ts';
import { EmptyState } from '../../parts/notices.tsx';
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
  const [shown, setShown] = useState(STEP);
  const [isWishing, setIsWishing] = useState(false);
  const [removed, setRemoved] = useState<PoolItemRow | null>(null);
  const field = useRef<HTMLInputElement | null>(null);
  const list = useRef<HTMLDivElement | null>(null);
  useListKeys(field, list);
  const wish = mayAct ? <Button onClick={() => setIsWishing(true)}>{t.wish}</Button> : undefined;
  const rows = pool.items.filter((item) => fits(item, text.trim()));
  return (
    <div className="hb-stack">
      <div className="hb-filters" role="search">
        <TextInput
          ref={field}
          className="hb-filter-wide"
          type="search"
          aria-label={t.wishesSearch}
          placeholder={`${t.wishesSearch}  /`}
          maxLength={200}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <span className="hb-filter-tail hb-push">{wish}</span>
      </div>
      <div className="hb-card" ref={list}>
        {rows.length > 0 ? (
          <Table label={t.wishesTable} columns={mayAct ? [...COLUMNS, { key: 'acts', title: '' }] : COLUMNS}>
            {rows.slice(0, shown).map((item) => (
              <WishLine key={item.id} item={item} onRemove={mayAct ? () => setRemoved(item) : null} />
            ))}
          </Table>
        ) : pool.items.length > 0 ? (
          <EmptyState title={t.wishesNoMatch} />
        ) : (
          <EmptyState title={t.wishesNone}>{t.wishesNoneText}</EmptyState>
        )}
        {rows.length > shown ? (
          <div className="hb-table-foot">
            <Button variant="default" size="compact-sm" onClick={() => setShown(shown + STEP)}>
              {texts.words.more}
            </Button>
          </div>
        ) : null}
      </div>
      {isWishing ? <WishDialog pool={pool} onClose={() => setIsWishing(false)} /> : null}
      {removed === null ? null : <Unwish pool={pool} item={removed} onClose={() => setRemoved(null)} />}
    </div>
  );
}
