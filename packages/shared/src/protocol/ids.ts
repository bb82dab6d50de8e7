/** Branded identifiers: a `NodeId` is not an `OrderId`, though both are UUIDs in lower case. */
declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type NodeId = Branded<'NodeId'>;
export type OrderId = Branded<'OrderId'>;
export type SessionId = Branded<'SessionId'>;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const UUID_PATTERN = UUID.source;

function parse<T extends string>(value: unknown): T | null {
  return typeof value === 'string' && UUID.test(value) ? (value as T) : null;
}

export const parseNodeId = (value: unknown): NodeId | null => parse<NodeId>(value);
export const parseOrderId = (value: unknown): OrderId | null => parse<OrderId>(value);
export const parseSessionId = (value: unknown): SessionId | null => parse<SessionId>(value);
