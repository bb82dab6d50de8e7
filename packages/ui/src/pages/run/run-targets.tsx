import type { RunDetail, RunTarget } from '@hauban/shared/api';
import { NativeSelect, TextInput } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useRunGrid, useRunNode } from '../../api/run-hooks.ts';
import { ErrorNotice } from '../../parts/notices.tsx';
import { lookOf } from '../../parts/order-look.ts';
import { TargetView } from '../../parts/target-view.tsx';
import { texts } from '../../texts/index.ts';
import { inOrder, orderByName } from './grid-order.ts';
import { NodeGrid } from './node-grid.tsx';
import { needsLook, sortTargets } from './sort-targets.ts';

const t = texts.run;
/** Up to this many nodes are shown open. */
const OPEN_UP_TO = 3;
const SHOWN = 100;
/** More nodes than this are shown as cells. */
const LISTED_UP_TO = 30;

/** Every order with what it says. */
function TargetList({ targets }: { readonly targets: readonly RunTarget[] }) {
  const [searched, setSearched] = useState('');
  const [state, setState] = useState('');
  const states = [...new Set(targets.map((target) => target.state))];
  const shown = sortTargets(targets).filter(
    (target) =>
      (state === '' || target.state === state) && target.hostName.toLowerCase().includes(searched.toLowerCase()),
  );
  return (
    <>
      {targets.length > OPEN_UP_TO ? (
        <div className="hb-filters">
          <TextInput
            className="hb-filter-wide"
            type="search"
            aria-label={t.searchHost}
            placeholder={t.searchHost}
            value={searched}
            onChange={(event) => setSearched(event.currentTarget.value)}
          />
          <NativeSelect
            aria-label={t.filterState}
            value={state}
            onChange={(event) => setState(event.currentTarget.value)}
            data={[
              { value: '', label: `${texts.words.state}: ${texts.words.any}` },
              ...states.map((each) => ({ value: each, label: lookOf(each).word })),
            ]}
          />
        </div>
      ) : null}
      {shown.slice(0, SHOWN).map((target) => (
        <TargetView
          key={`${target.orderId} ${needsLook(target)}`}
          target={target}
          isOpen={targets.length <= OPEN_UP_TO || needsLook(target)}
        />
      ))}
      {shown.length > SHOWN ? <p className="hb-quiet">{texts.words.truncated(shown.length - SHOWN)}</p> : null}
    </>
  );
}

/** Every node as a cell; the one that was pressed with what it did. */
function TargetGrid({ run }: { readonly run: RunDetail }) {
  const [picked, setPicked] = useState('');
  const grid = useRunGrid(run, true);
  const node = useRunNode(run, picked);
  const nodes = grid.data?.nodes;
  const order = useMemo(() => orderByName(nodes ?? []), [nodes]);
  const shown = useMemo(() => (grid.data === undefined ? undefined : inOrder(grid.data, order)), [grid.data, order]);
  return (
    <>
      {grid.error === null ? null : <ErrorNotice error={grid.error} />}
      {shown === undefined ? null : <NodeGrid run={run} grid={shown} picked={picked} onPick={setPicked} />}
      <div className="hb-stack" aria-live="polite">
        {(node.data?.targets ?? []).map((target) => (
          <TargetView key={target.orderId} target={target} isOpen />
        ))}
      </div>
    </>
  );
}

export function RunTargets({ run }: { readonly run: RunDetail }) {
  return run.nodeCount > LISTED_UP_TO ? <TargetGrid run={run} /> : <TargetList targets={run.targets} />;
}
