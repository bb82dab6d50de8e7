import type { NodeState } from '@hauban/shared/api';
import { NODE_ROLES } from '@hauban/shared/protocol';
import { NativeSelect, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import type { RefObject } from 'react';
import { NodeStateMark } from '../../parts/state-marks.tsx';
import { useDebouncedField } from '../../parts/use-debounced-field.ts';
import { roleName } from '../../parts/role-chips.tsx';
import type { SearchState } from '../../parts/use-search-state.ts';
import { texts } from '../../texts/index.ts';
import { STATES, useStateCounts } from './queries.ts';

const t = texts.fleet;

/** The others are offered only when there is such a node. */
const ALWAYS: ReadonlySet<NodeState> = new Set(['up', 'down']);

interface FilterProps {
  readonly search: SearchState;
  readonly onChange: (changes: Readonly<Record<string, string>>) => void;
}

/** Nodes by state, with their numbers; one press filters. */
function StateFilter({ search, onChange }: FilterProps) {
  const counts = useStateCounts();
  const chosen = search['state'] ?? '';
  const button = (state: NodeState | '') => (
    <button
      key={state}
      type="button"
      className="hb-state-filter"
      aria-pressed={chosen === state}
      onClick={() => onChange({ state })}
    >
      {state === '' ? texts.words.all : <NodeStateMark state={state} />}
      <span className="hb-state-count">{counts[state === '' ? 'all' : state] ?? ''}</span>
    </button>
  );
  return (
    <div className="hb-state-filters" role="group" aria-label={t.state}>
      {button('')}
      {STATES.filter((state) => ALWAYS.has(state) || (counts[state] ?? 0) > 0 || chosen === state).map(button)}
    </div>
  );
}

export function FleetFilters({
  search,
  onChange,
  field,
}: FilterProps & { readonly field: RefObject<HTMLInputElement | null> }) {
  const [typed, setTyped] = useDebouncedField(search['search'] ?? '', (text) => onChange({ search: text }));
  const [label, setLabel] = useDebouncedField(search['label'] ?? '', (text) => onChange({ label: text }));
  return (
    <div className="hb-filters" role="search" aria-label={t.filtersLabel}>
      <TextInput
        ref={field}
        className="hb-filter-wide"
        type="search"
        aria-label={t.search}
        placeholder={`${t.search}  /`}
        title={t.searchHint}
        leftSection={<IconSearch size={16} aria-hidden />}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      <StateFilter search={search} onChange={onChange} />
      <NativeSelect
        aria-label={t.role}
        value={search['role'] ?? ''}
        onChange={(event) => onChange({ role: event.currentTarget.value })}
        data={[
          { value: '', label: `${t.role}: ${texts.words.any}` },
          ...NODE_ROLES.map((role) => ({ value: role, label: roleName(role) })),
        ]}
      />
      <TextInput
        aria-label={t.label}
        placeholder={`${t.label}: ${t.labelHint}`}
        value={label}
        onChange={(event) => setLabel(event.currentTarget.value)}
      />
    </div>
  );
}
