import { createKeyPair, type KeyPair } from '@hauban/link';
import type { KeyRing } from '../../packages/controller/src/webhooks/webhook-keys.service.ts';

/** Keys of webhooks that are on no disk. */
export function createMemoryRing(): KeyRing {
  let [current, next] = [createKeyPair(), null as KeyPair | null];
  return {
    current: () => current,
    next: () => next,
    makeNext: () => (next = createKeyPair()),
    promote: () => {
      current = next ?? current;
      next = null;
    },
  };
}
