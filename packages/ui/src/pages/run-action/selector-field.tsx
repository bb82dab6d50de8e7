import { parseSelector, type ActionRow, type TargetsReply } from '@hauban/shared/api';
import { TextInput } from '@mantine/core';
import { useTargets } from '../../api/run-hooks.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { Mark } from '../../parts/mark.tsx';
import { ErrorNotice, Notice } from '../../parts/notices.tsx';
import { useDebouncedField } from '../../parts/use-debounced-field.ts';
import { texts } from '../../texts/index.ts';

const t = texts.runAction;
const LISTED = 200;

/** How many nodes it means now, and which. */
function Preview({ targets }: { readonly targets: TargetsReply }) {
  const { nodes, total, online, forbidden } = targets;
  if (total === 0) return <Notice tone="warn">{t.selectsNone}</Notice>;
  return (
    <>
      {forbidden === 0 ? null : <Notice tone="bad">{t.selectsForbidden(forbidden)}</Notice>}
      <details className="hb-selected">
        <summary>{t.selects(total, online)}</summary>
        <ul className="hb-selected-nodes">
          {nodes.slice(0, LISTED).map(({ id, hostName, isOnline }) => (
            <li key={id} className="hb-foreign">
              <Mark
                tone={isOnline ? 'ok' : 'idle'}
                word={visibleLine(hostName, 100)}
                hint={isOnline ? texts.nodeState.up : texts.nodeState.down}
              />
            </li>
          ))}
        </ul>
        {total > LISTED ? <p className="hb-quiet">{texts.words.truncated(total - LISTED)}</p> : null}
      </details>
    </>
  );
}

interface SelectorFieldProps {
  readonly action: ActionRow;
  readonly value: string;
  readonly problem: string | null;
  readonly onChange: (on: string) => void;
}

/** Chooses nodes by what they are; says at once which they are now. */
export function SelectorField({ action, value, problem, onChange }: SelectorFieldProps) {
  const [typed, setTyped] = useDebouncedField(value, (text) => onChange(text.trim()));
  const parsed = value === '' ? null : parseSelector(value);
  const fault = parsed === null || parsed.ok ? null : parsed.problem;
  const targets = useTargets(fault === null ? value : '', action.name);
  return (
    <div className="hb-stack">
      <TextInput
        label={t.selector}
        description={t.selectorHint}
        placeholder={t.selectorExample}
        value={typed}
        error={fault ?? problem}
        maxLength={2000}
        spellCheck={false}
        autoComplete="off"
        classNames={{ input: 'hb-mono' }}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      {value === '' || fault !== null ? null : targets.error !== null ? (
        <ErrorNotice error={targets.error} />
      ) : targets.data === undefined ? null : (
        <Preview targets={targets.data} />
      )}
    </div>
  );
}
