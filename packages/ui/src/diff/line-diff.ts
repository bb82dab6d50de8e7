/**
 * Line difference of two texts, for plans. Pure.
 * Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), greedy form, after equal heads and tails are cut.
 */
export interface DiffLine {
  readonly kind: 'same' | 'added' | 'removed';
  readonly text: string;
  /** 1-based line numbers; null on the side where the line is not. */
  readonly before: number | null;
  readonly after: number | null;
}

export type DiffPart =
  | { readonly kind: 'lines'; readonly lines: readonly DiffLine[] }
  /** Equal lines that a reader does not need; shown on demand. */
  | { readonly kind: 'hidden'; readonly lines: readonly DiffLine[] };

/** Beyond this many differing lines the texts are shown as removed and added whole: quadratic time is not spent. */
const MAX_EDITS = 2000;

/** Null is an absent text: no lines. A last line feed makes no empty last line. */
export function linesOf(text: string | null): string[] {
  if (text === null || text === '') return [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

type Edit = 'same' | 'added' | 'removed';

/** Shortest edit script of the middles; null when it would be longer than MAX_EDITS. */
function shortestEdits(a: readonly string[], b: readonly string[]): Edit[] | null {
  const max = Math.min(a.length + b.length, MAX_EDITS);
  const offset = max + 1;
  const reach = new Int32Array(2 * max + 3);
  const trace: Int32Array[] = [];
  for (let d = 0; d <= max; d += 1) {
    trace.push(reach.slice());
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (reach[offset + k - 1] ?? 0) < (reach[offset + k + 1] ?? 0));
      let x = down ? (reach[offset + k + 1] ?? 0) : (reach[offset + k - 1] ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      reach[offset + k] = x;
      if (x >= a.length && x - k >= b.length) return walkBack(trace, a.length, b.length, offset);
    }
  }
  return null;
}

function walkBack(trace: readonly Int32Array[], lengthA: number, lengthB: number, offset: number): Edit[] {
  const edits: Edit[] = [];
  let x = lengthA;
  let y = lengthB;
  for (let d = trace.length - 1; d >= 0; d -= 1) {
    const reach = trace[d] ?? new Int32Array();
    const k = x - y;
    const down = k === -d || (k !== d && (reach[offset + k - 1] ?? 0) < (reach[offset + k + 1] ?? 0));
    const fromK = down ? k + 1 : k - 1;
    const fromX = d === 0 ? 0 : (reach[offset + fromK] ?? 0);
    const fromY = d === 0 ? 0 : fromX - fromK;
    while (x > fromX && y > fromY) {
      edits.push('same');
      x -= 1;
      y -= 1;
    }
    if (d === 0) break;
    edits.push(down ? 'added' : 'removed');
    x = fromX;
    y = fromY;
  }
  return edits.reverse();
}

function commonHead(a: readonly string[], b: readonly string[]): number {
  let n = 0;
  while (n < a.length && n < b.length && a[n] === b[n]) n += 1;
  return n;
}

function commonTail(a: readonly string[], b: readonly string[], head: number): number {
  let n = 0;
  while (n < a.length - head && n < b.length - head && a[a.length - 1 - n] === b[b.length - 1 - n]) n += 1;
  return n;
}

export function diffLines(before: string | null, after: string | null): DiffLine[] {
  const a = linesOf(before);
  const b = linesOf(after);
  const head = commonHead(a, b);
  const tail = commonTail(a, b, head);
  const middleA = a.slice(head, a.length - tail);
  const middleB = b.slice(head, b.length - tail);
  const same = (n: number): Edit[] => Array.from({ length: n }, () => 'same');
  const whole = (): Edit[] => [...middleA.map((): Edit => 'removed'), ...middleB.map((): Edit => 'added')];
  const edits = [...same(head), ...(shortestEdits(middleA, middleB) ?? whole()), ...same(tail)];
  let i = 0;
  let j = 0;
  return edits.map((kind): DiffLine => {
    const inA = kind !== 'added';
    const inB = kind !== 'removed';
    if (inA) i += 1;
    if (inB) j += 1;
    return { kind, text: (inA ? a[i - 1] : b[j - 1]) ?? '', before: inA ? i : null, after: inB ? j : null };
  });
}

/** Hides runs of equal lines that are further than `context` lines from a change; never a single line. */
export function foldSame(lines: readonly DiffLine[], context = 3): DiffPart[] {
  const isNear = lines.map(() => false);
  lines.forEach((line, at) => {
    if (line.kind === 'same') return;
    for (let n = Math.max(0, at - context); n <= Math.min(lines.length - 1, at + context); n += 1) isNear[n] = true;
  });
  const parts: { kind: DiffPart['kind']; lines: DiffLine[] }[] = [];
  lines.forEach((line, at) => {
    const kind = isNear[at] === true ? 'lines' : 'hidden';
    const last = parts.at(-1);
    if (last?.kind === kind) last.lines.push(line);
    else parts.push({ kind, lines: [line] });
  });
  return parts.map((part): DiffPart => (part.lines.length < 2 ? { ...part, kind: 'lines' } : part));
}
