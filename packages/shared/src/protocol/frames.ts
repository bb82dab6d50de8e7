/** Frame layout (rules FRAME2 to FRAME5). Sealing and opening is in `@hauban/link`. */
export const FRAME_HEADER_BYTES = 5;
export const FRAME_TAG_BYTES = 16;

export const FRAME_TYPES = { control: 1, live: 2, chunk: 3, shell: 4, recording: 5 } as const;
export type FrameType = (typeof FRAME_TYPES)[keyof typeof FRAME_TYPES];

export function isFrameType(value: number): value is FrameType {
  return value >= 1 && value <= 5;
}

/** Shell operations inside a shell frame (rule SHELL3). */
export const SHELL_OPS = {
  output: 1,
  input: 2,
  resize: 3,
  credit: 4,
  exit: 5,
  close: 6,
  attach: 7,
  detach: 8,
} as const;
export type ShellOp = (typeof SHELL_OPS)[keyof typeof SHELL_OPS];

export interface ShellFrame {
  readonly op: ShellOp;
  readonly session: string;
  readonly body: Uint8Array;
}

const HEX = /^[0-9a-f]{32}$/;

/** Builds operation, session and body into one body of a shell frame. */
export function encodeShellFrame(frame: ShellFrame): Uint8Array {
  const hex = frame.session.replaceAll('-', '');
  if (!HEX.test(hex)) throw new TypeError('a session id is a UUID in lower case');
  const out = new Uint8Array(17 + frame.body.length);
  out[0] = frame.op;
  for (let i = 0; i < 16; i += 1) out[i + 1] = Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16);
  out.set(frame.body, 17);
  return out;
}

/** The reverse; null when it is not a shell frame. The body is a view, not a copy. */
export function decodeShellFrame(bytes: Uint8Array): ShellFrame | null {
  const op = bytes[0] ?? 0;
  if (bytes.length < 17 || op < 1 || op > 8) return null;
  let hex = '';
  for (let i = 1; i < 17; i += 1) hex += (bytes[i] ?? 0).toString(16).padStart(2, '0');
  const session = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  return { op: op as ShellOp, session, body: bytes.subarray(17) };
}

/** Output body: 8-byte big-endian offset of the first byte, then the bytes. */
export function encodeOutput(offset: number, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(8 + data.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(offset));
  out.set(data, 8);
  return out;
}

/** The reverse of `encodeOutput`; null when too short or the offset is not a safe integer. */
export function decodeOutput(body: Uint8Array): { readonly offset: number; readonly data: Uint8Array } | null {
  if (body.length < 8) return null;
  const offset = Number(new DataView(body.buffer, body.byteOffset, 8).getBigUint64(0));
  return Number.isSafeInteger(offset) ? { offset, data: body.subarray(8) } : null;
}

/** 16-bit columns and rows. */
export function encodeResize(columns: number, rows: number): Uint8Array {
  const out = new Uint8Array(4);
  const view = new DataView(out.buffer);
  view.setUint16(0, columns);
  view.setUint16(2, rows);
  return out;
}

/** Null unless 1 to 1000 columns and rows. */
export function decodeResize(body: Uint8Array): { readonly columns: number; readonly rows: number } | null {
  if (body.length !== 4) return null;
  const view = new DataView(body.buffer, body.byteOffset, 4);
  const columns = view.getUint16(0);
  const rows = view.getUint16(2);
  return columns >= 1 && columns <= 1000 && rows >= 1 && rows <= 1000 ? { columns, rows } : null;
}

/** 32-bit count of bytes consumed. */
export function encodeCredit(count: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, count);
  return out;
}

export function decodeCredit(body: Uint8Array): number | null {
  return body.length === 4 ? new DataView(body.buffer, body.byteOffset, 4).getUint32(0) : null;
}

/** 64-bit offset wanted by `attach`. */
export function encodeAttach(offset: number): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(offset));
  return out;
}

export function decodeAttach(body: Uint8Array): number | null {
  if (body.length !== 8) return null;
  const offset = Number(new DataView(body.buffer, body.byteOffset, 8).getBigUint64(0));
  return Number.isSafeInteger(offset) ? offset : null;
}
