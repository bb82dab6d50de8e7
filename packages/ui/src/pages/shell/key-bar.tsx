import { texts } from '../../texts/index.ts';

const ESC = '\u001B';
/** Keys that a phone's keyboard lacks; the names are what is printed on keys. */
const KEYS: readonly (readonly [name: string, sends: string])[] = [
  ['Esc', ESC],
  ['Tab', '\t'],
  ['Ctrl-C', '\u0003'],
  ['Ctrl-D', '\u0004'],
  ['Ctrl-R', '\u0012'],
  ['↑', `${ESC}[A`],
  ['↓', `${ESC}[B`],
  ['←', `${ESC}[D`],
  ['→', `${ESC}[C`],
];

/** Shown where fingers point instead of a mouse. */
export function KeyBar({ onKey }: { readonly onKey: (sends: string) => void }) {
  return (
    <div className="hb-key-bar" role="group" aria-label={texts.shell.keys}>
      {KEYS.map(([name, sends]) => (
        <button
          key={name}
          type="button"
          // The terminal keeps the focus, so that the phone's keyboard stays open.
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => onKey(sends)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}
