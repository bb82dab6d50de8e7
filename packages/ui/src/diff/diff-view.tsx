/** Shows the difference of two texts as a unified diff. The texts come from nodes: hidden characters are made visible. */
import { useMemo, useState } from 'react';
import { visibleText } from '../format/visible-text.ts';
import { texts } from '../texts/index.ts';
import { diffLines, foldSame, type DiffLine, type DiffPart } from './line-diff.ts';
import './diff-view.css';

const SIGN = { same: ' ', added: '+', removed: '−' } as const;
const WORD = { same: '', added: texts.plan.added, removed: texts.plan.removed } as const;

function Line({ line }: { readonly line: DiffLine }) {
  return (
    <tr data-kind={line.kind}>
      <td className="hb-diff-number">{line.before ?? ''}</td>
      <td className="hb-diff-number">{line.after ?? ''}</td>
      <td className="hb-diff-sign">
        <span aria-hidden>{SIGN[line.kind]}</span>
        <span className="hb-visually-hidden">{WORD[line.kind]}</span>
      </td>
      <td className="hb-diff-text hb-foreign">{visibleText(line.text)}</td>
    </tr>
  );
}

const keyOf = (line: DiffLine): string => `${line.before ?? ''}:${line.after ?? ''}`;

function Part({ part }: { readonly part: DiffPart }) {
  const [isShown, setIsShown] = useState(part.kind === 'lines');
  if (isShown) return part.lines.map((line) => <Line key={keyOf(line)} line={line} />);
  return (
    <tr data-kind="hidden">
      <td colSpan={4}>
        <button type="button" className="hb-diff-more" onClick={() => setIsShown(true)}>
          {texts.plan.unchanged(part.lines.length)} · {texts.plan.showAll}
        </button>
      </td>
    </tr>
  );
}

export function DiffView({
  before,
  after,
  label,
}: {
  readonly before: string | null;
  readonly after: string | null;
  readonly label: string;
}) {
  const parts = useMemo(() => foldSame(diffLines(before, after)), [before, after]);
  return (
    // The block scrolls sideways: it takes the focus so that a keyboard can do it.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="hb-diff" role="region" aria-label={texts.plan.diffLabel(label)} tabIndex={0}>
      <table>
        <tbody>
          {parts.map((part) => (
            <Part key={part.lines[0] === undefined ? '' : keyOf(part.lines[0])} part={part} />
          ))}
        </tbody>
      </table>
    </div>
  );
}
