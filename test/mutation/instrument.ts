import type { Removed, SecurityCheck } from './scan-checks.ts';

/** The names of the switchboard's two questions in the instrumented program; see `switchboard.ts`. */
export const SWITCH = '__haubanCheckIsOff';
/** Is told what the check said, and hands it on. */
export const SAID = '__haubanCheckSaid';

const INSTEAD: Readonly<Record<Removed, string>> = {
  true: 'true',
  false: 'false',
  null: 'null',
  undefined: 'undefined',
  rule: 'null',
};

interface Insertion {
  readonly at: number;
  readonly text: string;
  readonly isClosing: boolean;
  /** The other end: of two at one place the inner one closes first and the outer one opens first. */
  readonly other: number;
}

const order = (a: Insertion, b: Insertion): number => {
  if (a.at !== b.at) return a.at - b.at;
  if (a.isClosing !== b.isClosing) return a.isClosing ? -1 : 1;
  return b.other - a.other;
};

/** The source with a switch at each of its checks; lines stay where they are. `numberOf` is what the switch is asked by. */
export function instrument(
  text: string,
  checks: readonly SecurityCheck[],
  numberOf: (check: SecurityCheck) => number,
): string {
  const insertions = checks.flatMap((check): Insertion[] => {
    const number = numberOf(check);
    const isOff = `globalThis.${SWITCH}(${number})`;
    const said = `globalThis.${SAID}(${number}, '${check.removed}', `;
    const [open, close] =
      check.removed === 'rule'
        ? [`((...given: any[]) => ${isOff} ? null : ${said}(`, ' as any)(...given)))']
        : check.removed === 'undefined'
          ? [`(${isOff} ? undefined : (${said}null), `, '))']
          : [`(${isOff} ? ${INSTEAD[check.removed]} : ${said}(`, ')))'];
    return [
      { at: check.start, text: open, isClosing: false, other: check.end },
      { at: check.end, text: close, isClosing: true, other: check.start },
    ];
  });
  let out = '';
  let from = 0;
  for (const { at, text: inserted } of insertions.toSorted(order)) {
    out += text.slice(from, at) + inserted;
    from = at;
  }
  return out + text.slice(from);
}
