/**
 * One connection that carries whole binary messages. `web-socket-transport.ts` makes it of a WebSocket; tests make it
 * of two queues, with loss, delay and doubling as they wish.
 */
export interface Transport {
  /** Bytes go out in the order of the calls. `written` is called once they have left this process's buffers. */
  send(bytes: Uint8Array, written?: () => void): void;
  /** Starts an orderly end; `closed` follows in any case. */
  close(code: number, reason: string): void;
  /** Ends at once, without a word: for a dead peer. */
  destroy(): void;
  /** Bytes given to `send` that wait in this process. */
  readonly bufferedBytes: number;
  pause(): void;
  resume(): void;
}

export interface TransportEvents {
  /** A binary message; the bytes belong to the callee. */
  message(bytes: Uint8Array): void;
  /** A message that is not binary (rule TRANS2). */
  text(): void;
  /** Once. Code 1006 when the connection was lost without a word (rule LIFE7). */
  closed(code: number): void;
}
