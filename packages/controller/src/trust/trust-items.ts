import { peekJws } from '@hauban/link';
import type { SignedBundle, SignedStep, TrustItem } from '@hauban/shared/protocol';

/** A number that a signed text states about itself; nothing is verified: nodes do. */
function numberIn(jws: string, name: 'version' | 'bundle'): number {
  const peeked = peekJws(jws);
  const value = (peeked.ok ? (peeked.payload as Record<string, unknown>) : {})[name];
  return typeof value === 'number' ? value : 0;
}

/** In the order in which it happened: a step comes right after the bundle that it names, before the next one. */
export function inOrder(bundles: readonly SignedBundle[], steps: readonly SignedStep[]): TrustItem[] {
  const waiting = [...steps];
  const items: TrustItem[] = [];
  for (const bundle of bundles) {
    const version = numberIn(bundle.jws, 'version');
    while (waiting[0] !== undefined && numberIn(waiting[0].byBefore, 'bundle') < version)
      items.push(...waiting.splice(0, 1));
    items.push(bundle);
  }
  return [...items, ...waiting];
}
