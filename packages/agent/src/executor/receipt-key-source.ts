import { loadOrCreateKeyPair, type KeyPair } from '@hauban/link';
import { policyStamp } from '../store/index.ts';

/** Reads the receipt key again when its file is another one: what is signed after an enrolment is signed by the key that it made. */
export function createReceiptKeySource(path: string): () => KeyPair {
  let key = loadOrCreateKeyPair(path);
  let stamp = policyStamp(path);
  return () => {
    const now = policyStamp(path);
    if (now !== stamp) {
      key = loadOrCreateKeyPair(path);
      stamp = now;
    }
    return key;
  };
}
