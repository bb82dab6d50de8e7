const PIECES = /\d+|[a-z]+/g;
const piecesOf = (text: string): readonly string[] => text.toLowerCase().slice(0, 256).match(PIECES) ?? [];

function comparePieces(left: string, right: string): number {
  const isNumber = /^\d/.test(left) && /^\d/.test(right);
  if (!isNumber) return left < right ? -1 : left > right ? 1 : 0;
  // Of any length: by digits, not as floating point.
  const [a, b] = [left.replace(/^0+(?=\d)/, ''), right.replace(/^0+(?=\d)/, '')];
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Compares a version with one that a person wrote, piece by piece, as far as the person wrote it: 12.5 is 12, and 8.2.7
 * is not above 8.2. Missing pieces count as 0.
 * @returns below 0, 0 or above 0; null when one of them has no piece to compare
 */
export function compareVersions(actual: string, written: string): number | null {
  const [left, right] = [piecesOf(actual), piecesOf(written)];
  if (left.length === 0 || right.length === 0) return null;
  for (const [at, piece] of right.entries()) {
    const order = comparePieces(left[at] ?? '0', piece);
    if (order !== 0) return order;
  }
  return 0;
}
