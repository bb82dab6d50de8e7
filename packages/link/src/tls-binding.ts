import { EXPORTER_LABEL } from '@hauban/shared/protocol';

/** The part of a `TLSSocket` that is used here. */
export interface KeyingSocket {
  exportKeyingMaterial(length: number, label: string, context?: Buffer): Buffer;
}

/** The 32 bytes that both ends of one TLS connection have and nobody else (rule HELLO5; RFC 5705, no context). Throws before the TLS handshake is done. */
export const readTlsBinding = (socket: KeyingSocket): Uint8Array => socket.exportKeyingMaterial(32, EXPORTER_LABEL);
