import type { TargetsReply } from '@hauban/shared/api';
import { TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useTargets } from '../api/run-hooks.ts';
import { ErrorNotice } from './notices.tsx';
import { selectorProblem } from './selector-problem.ts';

const TYPING_MS = 200;

/** Nodes by what they are; says at once how many that is now. */
export function SelectorInput({
  label,
  hint,
  value,
  problem,
  action,
  means,
  onChange,
}: {
  readonly label: string;
  readonly hint: string;
  readonly value: string;
  readonly problem: string | null;
  /** What the nodes will be asked for: who may not do that is told before. */
  readonly action: string;
  readonly means: (targets: TargetsReply) => string;
  readonly onChange: (on: string) => void;
}) {
  const [settled] = useDebouncedValue(value.trim(), TYPING_MS);
  const fault = selectorProblem(settled);
  const isAsked = settled !== '' && fault === null;
  const targets = useTargets(isAsked ? settled : '', action);
  return (
    <div>
      <TextInput
        label={label}
        description={hint}
        value={value}
        error={problem ?? fault}
        maxLength={2000}
        spellCheck={false}
        autoCapitalize="none"
        autoComplete="off"
        classNames={{ input: 'hb-mono' }}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
      {!isAsked || targets.data === undefined ? null : (
        <p className="hb-quiet hb-small" role="status">
          {means(targets.data)}
        </p>
      )}
      {isAsked && targets.error !== null ? <ErrorNotice error={targets.error} /> : null}
    </div>
  );
}
