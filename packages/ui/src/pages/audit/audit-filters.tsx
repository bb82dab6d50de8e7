import { AUDIT_CODES } from '@hauban/shared/audit';
import { NativeSelect, TextInput } from '@mantine/core';
import type { RefObject } from 'react';
import { useNode } from '../../api/hooks.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { useDebouncedField } from '../../parts/use-debounced-field.ts';
import type { SearchState } from '../../parts/use-search-state.ts';
import { texts } from '../../texts/index.ts';

const t = texts.audit;
const CODES = Object.entries(AUDIT_CODES).map(([value, title]) => ({ value, label: `${value} ${title}` }));
const OUTCOMES = Object.entries(t.outcomes).map(([value, label]) => ({ value, label }));

/** The node that the log is narrowed to, with the way out. */
function NodeChip({ id, onClear }: { readonly id: string; readonly onClear: () => void }) {
  const node = useNode(id);
  const host = visibleLine(node.data?.hostName ?? id, 60);
  return (
    <button
      type="button"
      className="hb-filter-chip hb-filter-tail"
      onClick={onClear}
      aria-label={texts.words.remove(host)}
    >
      {host} <span aria-hidden>×</span>
    </button>
  );
}

export interface AuditFiltersProps {
  readonly search: SearchState;
  readonly onChange: (changes: Readonly<Record<string, string>>) => void;
  readonly field: RefObject<HTMLInputElement | null>;
}

export function AuditFilters({ search, onChange, field }: AuditFiltersProps) {
  const [who, setWho] = useDebouncedField(search['who'] ?? '', (text) => onChange({ who: text }));
  const nodeId = search['node'] ?? '';
  const time = (name: 'from' | 'to', label: string) => (
    <TextInput
      type="datetime-local"
      className="hb-filter-time"
      aria-label={label}
      title={label}
      leftSection={<span className="hb-small hb-quiet">{label}</span>}
      leftSectionWidth={48}
      value={search[name] ?? ''}
      onChange={(event) => onChange({ [name]: event.currentTarget.value })}
    />
  );
  return (
    <div className="hb-filters" role="search" aria-label={t.filtersLabel}>
      <TextInput
        ref={field}
        aria-label={t.who}
        placeholder={`${t.who}  /`}
        value={who}
        onChange={(event) => setWho(event.currentTarget.value)}
      />
      <NativeSelect
        className="hb-filter-code"
        aria-label={t.code}
        value={search['code'] ?? ''}
        onChange={(event) => onChange({ code: event.currentTarget.value })}
        data={[{ value: '', label: `${t.code}: ${texts.words.any}` }, ...CODES]}
      />
      <NativeSelect
        aria-label={t.outcome}
        value={search['outcome'] ?? ''}
        onChange={(event) => onChange({ outcome: event.currentTarget.value })}
        data={[{ value: '', label: `${t.outcome}: ${texts.words.any}` }, ...OUTCOMES]}
      />
      {time('from', t.from)}
      {time('to', t.to)}
      {nodeId === '' ? null : <NodeChip id={nodeId} onClear={() => onChange({ node: '' })} />}
    </div>
  );
}
