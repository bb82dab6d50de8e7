import { createPublicKey, hash, verify, type KeyObject } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  createExportVerifier,
  linkKeyTimes,
  openAuditHead,
  stepInLine,
  type AuditCrypto,
  type AuditHead,
  type ExportVerdict,
} from '@hauban/shared/audit';
import type { SignedLinkStep } from '@hauban/shared/protocol';
import { CliError } from './cli-error.ts';
import { EXIT } from './exit-codes.ts';

/** Checks of files with the audit log: no controller, no network, the public keys alone. */

const KEY = /^[A-Za-z0-9_-]{43}$/;

function createCrypto(keys: readonly string[]): AuditCrypto {
  const known = new Map<string, KeyObject>();
  const add = (x: string): KeyObject => {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    known.set(x, key);
    return key;
  };
  for (const x of keys) {
    if (!KEY.test(x))
      throw new CliError(EXIT.usage, 'BAD_REQUEST', `"${x}" is not a public key: it has 43 characters (base64url).`);
    add(x);
  }
  return {
    sha256Hex: (text) => hash('sha256', text, 'hex'),
    verifyEd25519: (publicKey, signed, signature) => {
      // Another one is a key that the export's own steps lead to.
      const key = known.get(publicKey) ?? add(publicKey);
      return verify(null, Buffer.from(signed), key, signature);
    },
  };
}

/** Longest line that is read: the largest row is far below. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** Lines without their line feed; `isCut`: the last one has none. Throws for bytes that are no UTF-8. */
async function* linesOf(path: string): AsyncGenerator<{ readonly text: string; readonly isCut: boolean }> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const bytes = rest.length === 0 ? (piece as Buffer) : Buffer.concat([rest, piece as Buffer]);
    let from = 0;
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
      yield { text: decoder.decode(bytes.subarray(from, at)), isCut: false };
      from = at + 1;
    }
    rest = bytes.subarray(from);
    if (rest.length > MAX_LINE_BYTES) throw new RangeError('a line is too long');
  }
  if (rest.length > 0) yield { text: decoder.decode(rest), isCut: true };
}

const isFileProblem = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'syscall' in error && typeof error.syscall === 'string';

function unreadable(path: string, error: unknown): never {
  if (!isFileProblem(error)) throw error;
  const why = error.code ?? error.message;
  throw new CliError(EXIT.usage, 'FILE_FAILED', `${path} cannot be read: ${why}.`, { cause: error });
}

/** Heads of a witness's file: lines as in an export, or bare signed texts; what is not signed by the keys is an error. */
async function loadWitnessed(path: string, keys: readonly string[], crypto: AuditCrypto): Promise<AuditHead[]> {
  const heads: AuditHead[] = [];
  try {
    for await (const { text } of linesOf(path)) {
      const jws = /^\{"t":"head","jws":"([^"]+)"\}$/.exec(text)?.[1] ?? text;
      const head = jws === '' ? null : openAuditHead(jws, keys, crypto);
      if (head !== null) heads.push(head);
      else if (jws !== '')
        throw new CliError(EXIT.failed, 'AUDIT_BAD', `${path}: a line is not a head signed by a key that was given.`);
    }
  } catch (error) {
    unreadable(path, error);
  }
  return heads;
}

/** The keys that were given, and those that the steps at the beginning of the export lead to. */
async function keysOfExport(path: string, keys: readonly string[], crypto: AuditCrypto): Promise<readonly string[]> {
  const steps: SignedLinkStep[] = [];
  let controller = '';
  try {
    for await (const { text } of linesOf(path)) {
      const first = /^\{"t":"audit","v":1,"controller":"([^"]+)"\}$/.exec(text)?.[1];
      const step = stepInLine(text);
      if (step !== null) steps.push(step);
      else if (first === undefined) break;
      controller = first ?? controller;
    }
  } catch (error) {
    // The verifier finds it again, and names the line.
    if (error instanceof RangeError || error instanceof TypeError) return keys;
    unreadable(path, error);
  }
  return (linkKeyTimes(steps, keys, controller, crypto) ?? []).map(({ key }) => key);
}

export interface VerifyRequest {
  readonly path: string;
  /** base64url public link keys of the controller. */
  readonly keys: readonly string[];
  /** Files of heads that were kept elsewhere. */
  readonly witnesses: readonly string[];
}

/** Reads the file once, in bounded memory. */
export async function verifyAuditFile({ path, keys, witnesses }: VerifyRequest): Promise<ExportVerdict> {
  const crypto = createCrypto(keys);
  const all = witnesses.length === 0 ? keys : await keysOfExport(path, keys, crypto);
  const witnessed = (await Promise.all(witnesses.map((file) => loadWitnessed(file, all, crypto)))).flat();
  const verifier = createExportVerifier(crypto, { keys, witnessed });
  let line = 0;
  const bad = (problem: string): ExportVerdict => ({ ok: false, line, seq: null, problem });
  try {
    for await (const { text, isCut } of linesOf(path)) {
      line += 1;
      if (isCut) return cutOff(verifier.finish(), line);
      if (!verifier.line(text)) break;
    }
  } catch (error) {
    if (error instanceof RangeError) return bad(`The export is bad: ${error.message} (line ${line + 1}).`);
    // What the decoder throws.
    if (error instanceof TypeError && 'code' in error)
      return bad(`The export is bad: a line is not UTF-8 text (line ${line + 1}).`);
    unreadable(path, error);
  }
  return verifier.finish();
}

/** A last line without line feed is never what was written. */
function cutOff(verdict: ExportVerdict, line: number): ExportVerdict {
  if (!verdict.ok) return verdict;
  return { ok: false, line, seq: null, problem: `The export is bad: something stands behind its end (line ${line}).` };
}
