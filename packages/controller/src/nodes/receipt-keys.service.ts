import { keyThumbprint, peekJws } from '@hauban/link';
import type { NodeKey } from '@hauban/shared/api';
import { LIMITS, type SignedReceiptStep } from '@hauban/shared/protocol';
import type { NodeBrief } from './node-columns.repository.ts';
import type { ReceiptKeyRecord } from './receipt-keys.repository.ts';
import type { NodesRepository } from './nodes.repository.ts';

/** The key that a document of a node is checked by. `retiredAt`: what it signs for later orders is refused. */
export interface NodeSigner {
  readonly key: string;
  /** Unix ms; null: it counts. */
  readonly retiredAt: number | null;
}

/** The key that counts now as the row that it becomes. */
export function retiredKeyOf(
  node: NodeBrief,
  { at, handedOver }: { readonly at: number; readonly handedOver: SignedReceiptStep | null },
): ReceiptKeyRecord {
  return {
    nodeId: node.id,
    kid: keyThumbprint(node.receiptKey) ?? node.receiptKey,
    key: node.receiptKey,
    version: node.receiptKeyVersion,
    sinceAt: node.receiptKeySince ?? node.enrolledAt,
    untilAt: at,
    voidAt: null,
    handedOver,
  };
}

function kidIn(jws: string): string | null {
  const peeked = peekJws(jws);
  if (!peeked.ok || typeof peeked.header !== 'object' || peeked.header === null) return null;
  const { kid } = peeked.header as { kid?: unknown };
  return typeof kid === 'string' ? kid : null;
}

/** Clocks of several controllers differ by less than that; a key is taken for orders that much younger than its end. */
const SKEW_MS = LIMITS.orderSkewMs;

/** May an order that was issued then (Unix ms; null: nobody knows) be answered by that key? */
export const mayAnswer = ({ retiredAt }: NodeSigner, issuedAt: number | null): boolean =>
  retiredAt === null || (issuedAt !== null && issuedAt <= retiredAt + SKEW_MS);

/** Which receipt key of a node counts, and which counted when (rules KEYS29 and KEYS30). */
export function createReceiptKeyReader(repository: Pick<NodesRepository, 'find' | 'findRetired' | 'listRetired'>) {
  return {
    /** The key that this document names, when it is or was this node's; else the one that counts, which refuses it. */
    receiptSigner: async (
      node: { readonly id: string; readonly receiptKey: string },
      jws: string,
    ): Promise<NodeSigner> => {
      const current = { key: node.receiptKey, retiredAt: null };
      const kid = kidIn(jws);
      if (kid === null || kid === keyThumbprint(node.receiptKey)) return current;
      const retired = await repository.findRetired(node.id, kid);
      return retired === null || retired.voidAt !== null ? current : { key: retired.key, retiredAt: retired.untilAt };
    },

    /** Every key that the node has had, the oldest first. */
    receiptKeys: async (nodeId: string): Promise<NodeKey[]> => {
      const node = await repository.find(nodeId);
      if (node === null) return [];
      const former = await repository.listRetired(nodeId);
      const now = { key: node.receiptKey, sinceAt: node.receiptKeySince ?? node.enrolledAt, untilAt: null };
      return [...former.map(({ key, sinceAt, untilAt }) => ({ key, sinceAt, untilAt })), now];
    },
  };
}
