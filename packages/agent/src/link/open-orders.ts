import { peekJws } from '@hauban/link';
import { parseOrderId } from '@hauban/shared/protocol';

/** A lost connection is made again at most this often for one order: after that the next `sync` brings its receipt. */
const MAX_RETURNS = 3;
const MAX_ORDERS = 1000;

/**
 * Orders handed to the executor and not answered yet, only to know whether a lost connection matters. Nothing is
 * decided by it: the texts are not checked here.
 */
export class OpenOrders {
  readonly #returns = new Map<string, number>();

  sent(jws: string): void {
    const id = idIn(jws, 'id');
    if (id !== null && this.#returns.size < MAX_ORDERS) this.#returns.set(id, 0);
  }

  answered(receiptJws: string): void {
    const id = idIn(receiptJws, 'order');
    if (id !== null) this.#returns.delete(id);
  }

  /** Call when the connection is lost: true while an order is worth coming back for. */
  stillOpenAfterLoss(): boolean {
    for (const [id, count] of this.#returns) {
      if (count >= MAX_RETURNS) this.#returns.delete(id);
      else this.#returns.set(id, count + 1);
    }
    return this.#returns.size > 0;
  }
}

function idIn(jws: string, field: 'id' | 'order'): string | null {
  const peeked = peekJws(jws);
  if (!peeked.ok || typeof peeked.payload !== 'object' || peeked.payload === null) return null;
  return parseOrderId((peeked.payload as Record<string, unknown>)[field]);
}
