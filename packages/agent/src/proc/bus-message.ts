/**
 * The few bytes of the D-Bus wire protocol that one question needs (D-Bus specification, "Message Protocol"):
 * little-endian method calls with string arguments, and the frame of an answer.
 */
export interface BusCall {
  readonly serial: number;
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  /** String arguments. */
  readonly args: readonly string[];
}

const METHOD_CALL = 1;
/** Do not start the service for our sake. */
const NO_AUTO_START = 2;
const FIELD = { path: 1, interface: 2, member: 3, destination: 6, signature: 8 } as const;

const pad = (bytes: number[], to: number): void => {
  while (bytes.length % to !== 0) bytes.push(0);
};

const pushUint32 = (bytes: number[], value: number): void => {
  bytes.push(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);
};

function pushString(bytes: number[], text: string): void {
  pad(bytes, 4);
  pushUint32(bytes, text.length);
  bytes.push(...Buffer.from(text, 'latin1'), 0);
}

function pushSignature(bytes: number[], text: string): void {
  bytes.push(text.length, ...Buffer.from(text, 'latin1'), 0);
}

/** Encodes a call. Its texts are ours and ASCII. */
export function encodeBusCall(call: BusCall): Buffer {
  const body: number[] = [];
  for (const arg of call.args) pushString(body, arg);
  const fields: number[] = [];
  const field = (code: number, signature: 's' | 'o' | 'g', value: string): void => {
    pad(fields, 8);
    fields.push(code);
    pushSignature(fields, signature);
    if (signature === 'g') pushSignature(fields, value);
    else pushString(fields, value);
  };
  field(FIELD.path, 'o', call.path);
  field(FIELD.interface, 's', call.interface);
  field(FIELD.member, 's', call.member);
  field(FIELD.destination, 's', call.destination);
  if (call.args.length > 0) field(FIELD.signature, 'g', 's'.repeat(call.args.length));
  const head: number[] = [0x6c, METHOD_CALL, NO_AUTO_START, 1];
  pushUint32(head, body.length);
  pushUint32(head, call.serial);
  pushUint32(head, fields.length);
  const message = [...head, ...fields];
  pad(message, 8);
  return Buffer.from([...message, ...body]);
}

export const BUS_ANSWER = { return: 2, error: 3, signal: 4 } as const;

/** The outer form of a received message. */
export interface BusAnswer {
  readonly type: number;
  readonly body: Buffer;
  /** Bytes of the whole message. */
  readonly length: number;
}

/** No message of ours is nearly as long. */
const MAX_MESSAGE_BYTES = 65_536;

/** The first message in `bytes`; `more` when it is not complete, `garbage` when it is none. The body is a view. */
export function decodeBusAnswer(bytes: Buffer): BusAnswer | 'more' | 'garbage' {
  if (bytes.length < 16) return 'more';
  // Little-endian only: the bus runs on this machine.
  if (bytes[0] !== 0x6c || bytes[3] !== 1) return 'garbage';
  const bodyAt = 16 + Math.ceil(bytes.readUInt32LE(12) / 8) * 8;
  const length = bodyAt + bytes.readUInt32LE(4);
  if (length > MAX_MESSAGE_BYTES) return 'garbage';
  return bytes.length < length ? 'more' : { type: bytes[1] ?? 0, body: bytes.subarray(bodyAt, length), length };
}

/** The number in a body that is one variant of type `u`, as the Get of a property answers; undefined when it is anything else. */
export function uint32OfVariant(body: Buffer): number | undefined {
  if (body.length !== 8 || body[0] !== 1 || body[1] !== 0x75 || body[2] !== 0) return undefined;
  return body.readUInt32LE(4);
}
