import Type from 'typebox';
import type { SiteSettings } from '../hosting-layout.ts';
import { AccountName, checkDomain, Domain, parseNetwork } from '../params.ts';
import { formatPrefix } from '../address.ts';

/** Arguments of the actions on sites. */

const NAME = '[A-Za-z0-9_][A-Za-z0-9._-]{0,63}';
/** No component begins with a dot, so that `..` and hidden folders (`.git`) can not be named. */
const PATH = `${NAME}(?:/${NAME}){0,7}`;

export const DocRoot = Type.String({
  pattern: `^(?:${PATH})?$`,
  maxLength: 255,
  title: 'Document root',
  description: "Below the account's var/www, such as shop/public; empty: var/www itself",
});
export const Aliases = Type.Array(Domain, { maxItems: 30, uniqueItems: true, title: 'Further names' });
export const Https = Type.Union(
  ['none', 'redirect', 'both'].map((mode) => Type.Literal(mode as SiteSettings['https'])),
  { title: 'HTTPS', description: 'redirect: plain requests are sent to https; needs a certificate (tls.install)' },
);
export const SiteArgs = { account: AccountName, domain: Domain };

/** A site with what may be said about it; what is left out is as usual for a new one, and as it is for one that is there. */
export const SiteWish = Type.Object(
  { ...SiteArgs, aliases: Type.Optional(Aliases), docroot: Type.Optional(DocRoot), https: Type.Optional(Https) },
  { additionalProperties: false },
);
export type SiteWish = Type.Static<typeof SiteWish>;

export const BlockedFile = Type.String({
  pattern: `^${PATH}$`,
  maxLength: 255,
  title: 'File',
  description: 'xmlrpc.php: wherever it is; admin/login.php: at that place only',
});
export const AllowList = Type.Array(
  Type.String({ pattern: '^[0-9a-fA-F:.]{2,45}(?:/[0-9]{1,3})?$', maxLength: 49, title: 'Address or prefix' }),
  { maxItems: 50, title: 'Except for', description: 'Addresses or prefixes that may ask for it all the same' },
);

type Normal<A> = { readonly ok: true; readonly args: A } | { readonly ok: false; readonly problem: string };

/** Domains that exist in public only; aliases in order, the main name not among them. */
export function normaliseNames<A extends { readonly domain: string; readonly aliases?: string[] }>(args: A): Normal<A> {
  const { domain, aliases } = args;
  for (const name of [domain, ...(aliases ?? [])]) {
    const problem = checkDomain(name);
    if (problem !== null) return { ok: false, problem };
  }
  if (aliases === undefined) return { ok: true, args };
  if (aliases.includes(domain))
    return { ok: false, problem: `${domain} is the site's name and can not be an alias too` };
  return { ok: true, args: { ...args, aliases: aliases.toSorted() } };
}

/** Canonical prefixes, doubles removed; a prefix of everything would make the block none. */
export function normaliseAllow<A extends { readonly allow?: string[] }>(args: A): Normal<A> {
  if (args.allow === undefined) return { ok: true, args };
  const allow = new Set<string>();
  for (const text of args.allow) {
    const network = parseNetwork(text);
    if (!network.ok) return network;
    if (network.value.length === 0) return { ok: false, problem: `${text} is everybody: unblock the file instead` };
    allow.add(formatPrefix(network.value));
  }
  return { ok: true, args: { ...args, allow: [...allow].toSorted() } };
}
