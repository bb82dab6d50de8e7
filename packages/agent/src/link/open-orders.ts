import { peekJws } from '@hauban/link';
import { parseOrderId } from '@hauban/shared/protocol';

/** A lost connection is made again at most this often for one order: after that the next `sync` brings its receipt. */
const MAX_RETURNS = 3;
const MAX_ORDERS = 1000;
/** Texts that are kept to be handed over again; beyond it the controller repeats them at the next link. */
const MAX_CHARACTERS = 4 * 1024 * 1024;

interface OpenOrder {
  /** Null: too much is kept already. */
  readonly jws: string | null;
  readonly losses: number;
}

/**
 * Orders handed to the executor and not answered yet. One that was in the socket when the executor died is known to
 * nobody, so all of them are handed over again (rule ORDER9); the executor runs none twice (rule ORDER4). Nothing is
 * decided here: the texts are not checked.
 */
export class OpenOrders {
  readonly #open = new Map<string, OpenOrder>();
  #characters = 0;

  sent(jws: string): void {
    const id = idIn(jws, 'id');
    if (id === null || this.#open.has(id) || this.#open.size >= MAX_ORDERS) return;
    const isKept = this.#characters + jws.length <= MAX_CHARACTERS;
    if (isKept) this.#characters += jws.length;
    this.#open.set(id, { jws: isKept ? jws : null, losses: 0 });
  }

  answered(receiptJws: string): void {
    const id = idIn(receiptJws, 'order');
    if (id !== null) this.#forget(id);
  }

  /** Those that a connection was lost with: to be handed over again, oldest first. */
  lost(): string[] {
    return [...this.#open.values()].flatMap(({ jws, losses }) => (losses > 0 && jws !== null ? [jws] : []));
  }

  /** Call when the connection is lost: true while an order is worth coming back for. */
  stillOpenAfterLoss(): boolean {
    for (const [id, { jws, losses }] of this.#open) {
      if (losses >= MAX_RETURNS) this.#forget(id);
      else this.#open.set(id, { jws, losses: losses + 1 });
    }
    return this.#open.size > 0;
  }

  #forget(id: string): void {
    this.#characters -= this.#open.get(id)?.jws?.length ?? 0;
    this.#open.delete(id);
  }
}

function idIn(jws: string, field: 'id' | 'order'): string | null {
  const peeked = peekJws(jws);
  if (!peeked.ok || typeof peeked.payload !== 'object' || peeked.payload === null) return null;
  return parseOrderId((peeked.payload as Record<string, unknown>)[field]);
}
