import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { createKeyPair, loadKeyPair, loadOrCreateKeyPair, storeKeyPair, type KeyPair } from '@hauban/link';
import type { KeyRing } from './webhook-keys.service.ts';

/** The keys of this controller, as files of its own folder beside its link key. They never go into the database. */
export function createKeyRing(folder: string): KeyRing {
  const [current, next] = [join(folder, 'webhook-key.jwk'), join(folder, 'webhook-key-next.jwk')];
  const create = (): KeyPair => {
    const fresh = createKeyPair();
    storeKeyPair(next, fresh);
    return fresh;
  };
  return {
    current: () => loadOrCreateKeyPair(current),
    next: () => loadKeyPair(next),
    makeNext: create,
    promote: () => renameSync(next, current),
  };
}
