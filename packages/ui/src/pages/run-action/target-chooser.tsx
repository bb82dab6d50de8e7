import type { ActionRow } from '@hauban/shared/api';
import { SegmentedControl } from '@mantine/core';
import { Notice } from '../../parts/notices.tsx';
import { texts } from '../../texts/index.ts';
import { NodePicker } from './node-picker.tsx';
import { SelectorField } from './selector-field.tsx';
import { StrategyFields } from './strategy-fields.tsx';
import type { RunActionModel } from './use-run-action.ts';

const t = texts.runAction;
const WAYS = [
  { value: 'name', label: t.byName },
  { value: 'selector', label: t.bySelector },
];

/** Which nodes, by name or by what they are; and for more than one how it goes over them. */
export function TargetChooser({ action, model }: { readonly action: ActionRow; readonly model: RunActionModel }) {
  const isMany = model.isBySelector || model.nodes.length > 1;
  return (
    <div className="hb-stack">
      <SegmentedControl
        aria-label={t.nodes}
        data={WAYS}
        value={model.isBySelector ? 'selector' : 'name'}
        onChange={(way) => model.setBySelector(way === 'selector')}
      />
      {model.isBySelector ? (
        <SelectorField action={action} value={model.on} problem={model.nodesProblem} onChange={model.setOn} />
      ) : (
        <NodePicker
          action={action}
          value={model.nodes}
          problem={model.nodesProblem}
          onChange={model.setNodes}
          startWithinMs={model.startWithinMs}
          onStartWithin={model.setStartWithinMs}
        />
      )}
      {action.name.startsWith('custom.') ? <Notice tone="idle">{texts.actions.customHint}</Notice> : null}
      {isMany && !action.readOnly ? <StrategyFields values={model.strategy} onChange={model.setStrategy} /> : null}
    </div>
  );
}
