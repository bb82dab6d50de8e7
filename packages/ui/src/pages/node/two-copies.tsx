import type { AuditRow } from '@hauban/shared/api';
import { useNodeAudit } from '../../api/hooks.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { QueryView } from '../../parts/notices.tsx';
import { Table } from '../../parts/table.tsx';
import { DateTime, RelativeTime } from '../../parts/time-text.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.node.copies;
/** Codes of the audit log: locked for its two copies; connected. */
const LOCKED = 'A2041E';
const CONNECTED = 'A2020I';
const MOST_LINKS = 10;

const addressOf = (text: unknown): string | null => (typeof text === 'string' && text !== '' ? text : null);

/** Addresses of links before the two, each once, newest first. */
function earlierAddresses(links: readonly AuditRow[], shown: readonly (string | null)[]): string[] {
  const addresses = links.flatMap(({ from }) => (from === null || shown.includes(from) ? [] : [from]));
  return [...new Set(addresses)];
}

function CopyLine({
  name,
  address,
  at,
}: {
  readonly name: string;
  readonly address: string | null;
  readonly at: number | null;
}) {
  return (
    <tr>
      <td data-wide>{name}</td>
      <td data-wide data-label={t.address}>
        {address === null ? t.unknown : <span className="hb-mono hb-foreign">{visibleLine(address, 64)}</span>}
      </td>
      <td data-wide data-label={t.seen}>
        {at === null ? (
          t.unknown
        ) : (
          <>
            <DateTime at={at} /> <span className="hb-quiet">(</span>
            <RelativeTime at={at} />
            <span className="hb-quiet">)</span>
          </>
        )}
      </td>
    </tr>
  );
}

function Seen({ locked, links }: { readonly locked: AuditRow; readonly links: readonly AuditRow[] }) {
  const up = addressOf(locked.detail['before']);
  const before = links.filter(({ seq }) => seq < locked.seq);
  const upSince = before.find(({ from }) => from === up)?.at ?? null;
  const earlier = earlierAddresses(before, [up, locked.from]);
  return (
    <>
      <Table
        label={t.label}
        columns={[
          { key: 'which', title: t.which },
          { key: 'address', title: t.address },
          { key: 'seen', title: t.seen },
        ]}
      >
        <CopyLine name={t.up} address={up} at={upSince} />
        <CopyLine name={t.came} address={locked.from} at={locked.at} />
      </Table>
      {up !== null && up === locked.from ? <p>{t.sameAddress}</p> : null}
      {earlier.length === 0 ? null : (
        <p className="hb-quiet">
          {t.before} <span className="hb-mono hb-foreign">{visibleLine(earlier.join(', '), 300)}</span>
        </p>
      )}
    </>
  );
}

/** What was seen of two copies of one node, and the one way forward. The log is the witness: the node itself is not believed. */
export function TwoCopies({ nodeId }: { readonly nodeId: string }) {
  const locked = useNodeAudit(nodeId, LOCKED, 1);
  const links = useNodeAudit(nodeId, CONNECTED, MOST_LINKS);
  return (
    <>
      <QueryView query={locked} what={t.label}>
        {({ rows: [row] }) => (row === undefined ? null : <Seen locked={row} links={links.data?.rows ?? []} />)}
      </QueryView>
      <ol className="hb-steps" aria-label={t.stepsLabel}>
        <li>{t.steps.look}</li>
        <li>{t.steps.stop}</li>
        <li>{t.steps.enrol}</li>
      </ol>
    </>
  );
}
