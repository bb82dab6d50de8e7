import { Resolver } from 'node:dns/promises';

/** Addresses of a name. Rejects when it has none. */
export type ResolveName = (name: string) => Promise<readonly string[]>;

const NAME_WITHIN_MS = 4_000;

/**
 * Asks the name servers, never the hosts file, and never by the system's resolver: that one has four threads for the
 * whole process, and a name server that does not answer would hold all of them.
 */
export const resolveName: ResolveName = async (name) => {
  const resolver = new Resolver({ timeout: NAME_WITHIN_MS / 2, tries: 2 });
  const found = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const addresses = found.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
  const reason = found.find((each) => each.status === 'rejected')?.reason as unknown;
  if (addresses.length === 0) throw reason instanceof Error ? reason : new Error('no address');
  return addresses;
};
