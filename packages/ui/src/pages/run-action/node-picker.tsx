import type { ActionRow, NodeQuery, NodeRow } from '@hauban/shared/api';
import { MultiSelect, NativeSelect } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQueries } from '@tanstack/react-query';
import { useState } from 'react';
import { keys, useNodePage } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { Notice } from '../../parts/notices.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.runAction;
const FOUND = 20;
const WAITS = Object.entries(t.waits).map(([value, label]) => ({ value, label }));
const SEARCH_DELAY_MS = 150;

/** Rows of chosen nodes that are not among the found ones (they came with the address). */
function useChosen(ids: readonly string[], found: readonly NodeRow[]): readonly NodeRow[] {
  const { api } = useServices();
  return useQueries({
    queries: ids
      .filter((id) => !found.some((node) => node.id === id))
      .map((id) => ({ queryKey: keys.node(id), queryFn: () => api.node(id), staleTime: 30_000 })),
    combine: (results) => results.flatMap((result) => (result.data === undefined ? [] : [result.data])),
  });
}

export interface NodePickerProps {
  readonly action: ActionRow;
  readonly value: readonly string[];
  readonly problem: string | null;
  readonly onChange: (ids: readonly string[]) => void;
  readonly startWithinMs: number;
  readonly onStartWithin: (ms: number) => void;
}

interface WarningsProps {
  readonly action: ActionRow;
  readonly picked: readonly NodeRow[];
  readonly startWithinMs: number;
  readonly onStartWithin: (ms: number) => void;
}

/** Nodes that are away, with how long to wait for them, and nodes that would refuse. */
function Warnings({ action, picked, startWithinMs, onStartWithin }: WarningsProps) {
  const away = picked.filter((node) => node.state !== 'up');
  const refusing = picked.filter((node) => action.needsRoot && !node.isRoot);
  return (
    <>
      {away.map((node) => (
        <Notice key={node.id} tone="idle">
          {t.offline(visibleLine(node.hostName, 100))}
        </Notice>
      ))}
      {away.length === 0 ? null : (
        <NativeSelect
          label={t.startWithin}
          value={String(startWithinMs)}
          data={WAITS}
          onChange={(event) => onStartWithin(Number(event.currentTarget.value))}
        />
      )}
      {refusing.map((node) => (
        <Notice key={node.id} tone="warn">
          {t.noRoot(visibleLine(node.hostName, 100))}
        </Notice>
      ))}
    </>
  );
}

/** Chooses nodes by host name; warns of those that are away or would refuse. */
export function NodePicker({ action, value, problem, onChange, startWithinMs, onStartWithin }: NodePickerProps) {
  const [typed, setTyped] = useState('');
  const [searched] = useDebouncedValue(typed.trim(), SEARCH_DELAY_MS);
  const [role] = action.roles;
  const query: NodeQuery = {
    limit: FOUND,
    ...(searched === '' ? {} : { search: searched }),
    ...(action.roles.length === 1 && role !== undefined ? { role: role as NonNullable<NodeQuery['role']> } : {}),
  };
  const page = useNodePage(query);
  const found = page.data?.nodes ?? [];
  const chosen = useChosen(value, found);
  const known = [...found, ...chosen];
  const options = [
    ...known.map((node) => ({ value: node.id, label: visibleLine(node.hostName, 100) })),
    ...value.filter((id) => !known.some((node) => node.id === id)).map((id) => ({ value: id, label: id })),
  ];
  const picked = known.filter((node) => value.includes(node.id));
  return (
    <div className="hb-stack">
      <MultiSelect
        label={t.nodes}
        placeholder={value.length === 0 ? t.nodesHint : ''}
        data={options}
        value={[...value]}
        onChange={onChange}
        searchable
        clearable
        searchValue={typed}
        onSearchChange={setTyped}
        filter={({ options: all }) => all}
        nothingFoundMessage={t.nodesNoMatch}
        hidePickedOptions
        error={problem}
      />
      <Warnings action={action} picked={picked} startWithinMs={startWithinMs} onStartWithin={onStartWithin} />
    </div>
  );
}
