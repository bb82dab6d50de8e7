import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Watches the executor's order journal from outside. The executor rewrites it when it starts, so it is looked at right
 * after each kill and again after each outcome; what was seen is kept.
 */
export interface JournalWatch {
  look(): void;
  /** Orders that were taken more than once, changes that were applied more than once, orders with two receipts. */
  problems(): string[];
  /** The receipt of an order was on disk at some time. */
  hasReceipt(orderId: string): boolean;
  readonly orders: number;
}

interface JournalLine {
  readonly t?: string;
  readonly id?: string;
  readonly order?: { readonly id?: string };
  readonly index?: number;
  readonly what?: string;
  readonly at?: number;
  readonly jws?: string;
}

/** The checksum before each record is the product's own business; a line that is cut off says nothing. */
function parseLine(line: string): JournalLine {
  try {
    return JSON.parse(line.slice(9)) as JournalLine;
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function remember(table: Map<string, Set<string>>, id: string, what: string): void {
  const seen = table.get(id) ?? new Set<string>();
  seen.add(what);
  table.set(id, seen);
}

export function createJournalWatch(dataDir: string): JournalWatch {
  const path = join(dataDir, 'node/executor/journal/orders.journal');
  /** Times of `taken`, by order; times at which a change began to be applied, by order and change; receipts, by order. */
  const taken = new Map<string, Set<string>>();
  const applied = new Map<string, Set<string>>();
  const receipts = new Map<string, Set<string>>();
  const moreThanOne = (table: Map<string, Set<string>>, what: string): string[] =>
    [...table].flatMap(([id, seen]) => (seen.size > 1 ? [`order ${id} ${what} ${seen.size} times`] : []));
  return {
    look: () => {
      for (const line of readFileSync(path, 'utf8').split('\n')) {
        const { t, at, jws, order, index, what, id = order?.id } = parseLine(line);
        if (id === undefined) continue;
        if (t === 'taken') remember(taken, id, String(at));
        if (t === 'step' && what === 'apply') remember(applied, `${id}, change ${index}`, String(at));
        if ((t === 'done' || t === 'kept') && jws !== undefined) remember(receipts, id, jws);
      }
    },
    problems: () => [
      ...moreThanOne(taken, 'was taken'),
      ...moreThanOne(applied, 'was applied'),
      ...moreThanOne(receipts, 'was answered differently'),
    ],
    hasReceipt: (orderId) => receipts.has(orderId),
    get orders() {
      return receipts.size;
    },
  };
}
