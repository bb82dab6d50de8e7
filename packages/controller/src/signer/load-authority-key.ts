import { createKeyPair, keyPairToJwk, parseKeyPair, writeDurably, type KeyPair } from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import type { Log } from '../runtime/index.ts';
import { isSealed, openSealedKey, sealKey } from './key-seal.ts';
import { readSecretFile } from './secret-file.ts';

/** Where the passphrase of the key file lies; each is a path that the signer may read, or null. */
export interface PassphraseFiles {
  /** `$CREDENTIALS_DIRECTORY/hauban-signer-passphrase`, as systemd hands it over. */
  readonly credential: string | null;
  /** Named by HAUBAN_SIGNER_PASSPHRASE_FILE. */
  readonly file: string | null;
}

const SHORTEST_PASSPHRASE = 12;

const bad = (detail: string): HaubanError => new HaubanError('CONFIG_BAD', detail);

/** Null when none is given; one that is named and missing is a fault, never "no passphrase". */
export function loadPassphrase({ credential, file }: PassphraseFiles): string | null {
  // systemd lets the service in by an access list, which shows as a mode for the group.
  const fromSystemd = credential === null ? null : readSecretFile(credential, 'passphrase', true);
  const given = fromSystemd ?? (file === null ? null : readSecretFile(file, 'passphrase'));
  if (given === null) {
    if (file !== null) throw bad(`HAUBAN_SIGNER_PASSPHRASE_FILE: there is no file ${file}.`);
    return null;
  }
  const passphrase = given.replace(/\r?\n$/, '');
  if (passphrase.length < SHORTEST_PASSPHRASE)
    throw bad(`The signer's passphrase is shorter than ${SHORTEST_PASSPHRASE} characters: choose a longer one.`);
  return passphrase;
}

function openKey(path: string, source: string, passphrase: string | null): KeyPair {
  if (isSealed(source) && passphrase === null)
    throw bad(
      `The key ${path} is sealed: give its passphrase by HAUBAN_SIGNER_PASSPHRASE_FILE or a systemd credential.`,
    );
  const opened = isSealed(source) && passphrase !== null ? openSealedKey(source, passphrase) : parseKeyPair(source);
  if (!opened.ok) throw bad(`The key ${path} is not usable: ${opened.problem}.`);
  return opened.value;
}

/**
 * The key of that file, made on first use. With a passphrase the file is sealed, also one that was plain until
 * now; without, it is plain with mode 0600, which is said once in the log.
 */
export function loadAuthorityKey(path: string, passphrase: string | null, log: Log): KeyPair {
  const source = readSecretFile(path, 'key');
  const pair = source === null ? createKeyPair() : openKey(path, source, passphrase);
  const isStoredSo = source !== null && isSealed(source) === (passphrase !== null);
  if (!isStoredSo) {
    const content = passphrase === null ? keyPairToJwk(pair) : sealKey(pair, passphrase);
    writeDurably(path, content, { mode: 0o600 });
    if (source !== null) log.info({ path }, 'the authority key was plain and is sealed with the passphrase now');
  }
  if (passphrase === null)
    log.warn(
      { path },
      'the authority key is not sealed: whoever copies this file can sign; give the signer a passphrase',
    );
  return pair;
}
