/** One row: the reason in words and whether the node may dial again by itself (rule CLOSE1). */
export interface CloseCode {
  readonly name: string;
  readonly mayReturn: boolean;
  readonly says: string;
}

export const CLOSE_CODES = {
  1000: { name: 'done', mayReturn: true, says: 'finished as intended' },
  1001: { name: 'going-away', mayReturn: true, says: 'the controller is stopping' },
  1006: { name: 'lost', mayReturn: true, says: 'the connection was lost' },
  1011: { name: 'fault', mayReturn: true, says: 'a fault of the controller; what was not acknowledged is repeated' },
  4400: { name: 'malformed', mayReturn: true, says: 'a message was not well-formed' },
  4401: {
    name: 'identity-refused',
    mayReturn: false,
    says: 'the node is not known here, was revoked, or could not prove its key',
  },
  4402: { name: 'revoked', mayReturn: false, says: 'the node was revoked; a person must enrol it again' },
  4403: { name: 'frame-refused', mayReturn: true, says: 'a frame was altered, replayed or out of order' },
  4408: { name: 'handshake-timeout', mayReturn: true, says: 'the handshake took too long' },
  4409: { name: 'too-slow', mayReturn: true, says: 'too much was waiting to be sent' },
  4410: { name: 'renew', mayReturn: true, says: 'the keys of this link are used up' },
  4411: { name: 'replaced', mayReturn: true, says: 'a newer link of the same node took over' },
  4412: {
    name: 'two-copies',
    mayReturn: false,
    says: 'two copies of this node have connected; both are locked until a person enrols the real one again',
  },
  4413: { name: 'too-large', mayReturn: true, says: 'a message was larger than allowed' },
  4426: { name: 'version', mayReturn: false, says: 'no protocol version in common: upgrade the older side' },
  4429: { name: 'busy', mayReturn: true, says: 'the controller takes no more links just now' },
  4495: {
    name: 'controller-identity',
    mayReturn: false,
    says: 'the controller is not the one that this node is pinned to',
  },
} as const satisfies Record<number, CloseCode>;

export type KnownCloseCode = keyof typeof CLOSE_CODES;

/** What a close code means; an unknown code is treated as a lost connection: come back (rule CLOSE1). */
export function closeCodeInfo(code: number): CloseCode {
  const table: Record<number, CloseCode> = CLOSE_CODES;
  return (
    table[code] ?? { name: `code-${code}`, mayReturn: true, says: 'closed with a code that this version does not know' }
  );
}
