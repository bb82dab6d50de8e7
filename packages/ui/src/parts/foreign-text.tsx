import { visibleLine, visibleText } from '../format/visible-text.ts';

/** One line that came from a node or a person: hidden characters shown, direction kept inside, long words broken. */
export function ForeignText({ text, max }: { readonly text: string; readonly max?: number }) {
  return (
    <span className="hb-foreign" dir="auto">
      {visibleLine(text, max)}
    </span>
  );
}

/** Several lines, as they were written. */
export function ForeignBlock({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    // A long file is read with the keyboard too: the block takes the focus to be scrolled.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <pre className="hb-block hb-foreign" tabIndex={0} role="region" aria-label={label}>
      {visibleText(text)}
    </pre>
  );
}
