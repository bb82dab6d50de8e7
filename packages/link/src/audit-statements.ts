import {
  AUDIT_EXPORT_TYPE,
  AUDIT_HEAD_TYPE,
  type AuditCrypto,
  type AuditExportEnd,
  type AuditHead,
} from '@hauban/shared/audit';
import { sha256Hex } from './digest.ts';
import { keyThumbprint, publicKeyFrom, signBytes, verifyBytes, type KeyPair } from './key-pair.ts';

/** The audit log's signed statements on `node:crypto` alone: the link process checks heads and may not load `jose`. */
export const auditCrypto: AuditCrypto = {
  sha256Hex,
  verifyEd25519: (publicKey, signed, signature) => {
    const key = publicKeyFrom(publicKey);
    return key !== null && verifyBytes(key, Buffer.from(signed), signature);
  },
};

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function signStatement(payload: object, key: KeyPair, typ: string): string {
  const signed = `${part({ alg: 'EdDSA', typ, kid: keyThumbprint(key.publicText) })}.${part(payload)}`;
  return `${signed}.${signBytes(key, Buffer.from(signed)).toString('base64url')}`;
}

export const signAuditHead = (head: AuditHead, key: KeyPair): string => signStatement(head, key, AUDIT_HEAD_TYPE);

export const signAuditExportEnd = (end: AuditExportEnd, key: KeyPair): string =>
  signStatement(end, key, AUDIT_EXPORT_TYPE);
