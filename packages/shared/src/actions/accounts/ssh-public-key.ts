import { fromBase64Url } from '../../protocol/bytes.ts';

/** Public keys for logging in, as OpenSSH writes them in one line. Pure. */

/**
 * Type, body, comment; nothing before the type. A line of authorized_keys may begin with options (`command=`, `from=`,
 * `cert-authority`): whoever may send keys must not be able to send those.
 */
export const SSH_KEY_PATTERN =
  '^(?:ssh-ed25519|sk-ssh-ed25519@openssh\\.com|ecdsa-sha2-nistp(?:256|384|521)|ssh-rsa) [A-Za-z0-9+/]{60,1400}={0,3}(?: [A-Za-z0-9][A-Za-z0-9 ._@+-]{0,99})?$';

const RSA_BITS = 3072;

const decode = (text: string): Uint8Array | null =>
  fromBase64Url(
    text
      .replace(/={1,3}$/, '')
      .replaceAll('+', '-')
      .replaceAll('/', '_'),
  );

/** The length-prefixed fields of RFC 4251; null when they do not fill the body exactly. */
function fieldsOf(bytes: Uint8Array): readonly Uint8Array[] | null {
  const fields: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 4 > bytes.length) return null;
    const length = bytes.subarray(at, at + 4).reduce((sum, byte) => sum * 256 + byte, 0);
    at += 4;
    if (length > bytes.length - at) return null;
    fields.push(bytes.subarray(at, at + length));
    at += length;
  }
  return fields;
}

/** Bits of a positive number as SSH writes it. */
function bitsOf(number: Uint8Array): number {
  const from = number.findIndex((byte) => byte !== 0);
  if (from < 0) return 0;
  return (number.length - from - 1) * 8 + (32 - Math.clz32(number[from] ?? 0));
}

/** What is wrong with a line that fits the pattern, in one sentence; null when it is a key that may be used. */
export function sshKeyProblem(line: string): string | null {
  const [type = '', body = ''] = line.split(' ');
  const shown = `the key ${type} ...${body.slice(-12)}`;
  const bytes = decode(body);
  const fields = bytes === null ? null : fieldsOf(bytes);
  const first = fields?.[0];
  if (fields === null || first === undefined) return `${shown} is damaged: copy the whole line of the .pub file`;
  const inner = new TextDecoder().decode(first);
  if (inner !== type) return `${shown} is of the type ${inner.slice(0, 40).replaceAll(/[^\w@.-]/g, '?')} inside`;
  if (type === 'ssh-ed25519' && (fields.length !== 2 || fields[1]?.length !== 32)) return `${shown} is damaged`;
  if (type === 'ssh-rsa') {
    const bits = fields.length === 3 ? bitsOf(fields[2] ?? new Uint8Array()) : 0;
    if (bits < RSA_BITS) return `${shown} has ${bits} bits: RSA needs ${RSA_BITS} or more, Ed25519 is better`;
  }
  return null;
}

/** What names a key, whatever its comment. */
export const sshKeyBody = (line: string): string => line.split(' ').slice(0, 2).join(' ');
