import Type from 'typebox';
import { formatPrefix, parsePrefix, specialRange, type Prefix } from './address.ts';

/**
 * Types of arguments, used by page, CLI, API, controller and node alike. A pattern is anchored at both ends and admits
 * no character that means something to a shell, to Apache, PHP-FPM, nft or a path: the programs themselves accept far
 * more than is safe (Debian's `useradd` takes `../evil` and `$(id)` with exit code 0).
 */

/** Uids and gids that belong to hosting accounts: above 16 bits and systemd's dynamic range, below its container range. */
export const UID_RANGE = { first: 100_000, last: 499_999 } as const;

export const AccountName = Type.String({
  pattern: '^[a-z][a-z0-9]{2,15}$',
  title: 'Account',
  description: 'Lower-case letters and digits, 3 to 16, a letter first',
});
export const Uid = Type.Integer({
  minimum: UID_RANGE.first,
  maximum: UID_RANGE.last,
  title: 'Uid and gid',
  description: 'Given by the controller, the same number on every node',
});
export const Domain = Type.String({
  pattern: '^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})$',
  maxLength: 253,
  title: 'Domain',
  description: 'Lower-case ASCII; an international name in its xn-- form',
});
export const PhpVersion = Type.String({
  pattern: '^(?:5\\.6|7\\.[0-4]|8\\.[0-9])$',
  title: 'PHP version',
  description: 'Such as 8.2; must be installed on the node',
});
export const Comment = Type.String({
  // What /etc/passwd can hold in one field: no colon, no comma, no control character.
  pattern: '^[A-Za-z0-9][A-Za-z0-9 ._@/+-]{0,59}$',
  title: 'Comment',
  description: 'Shown beside the account: letters, digits, space and ._@/+-',
});
export const BanTarget = Type.String({
  pattern: '^[0-9a-fA-F:.]{2,45}(?:/[0-9]{1,3})?$',
  maxLength: 49,
  title: 'Address or prefix',
  description: 'IPv4 or IPv6, such as 192.0.2.7 or 2001:db8::/48',
});
export const DurationS = Type.Integer({ minimum: 60, maximum: 31_536_000, title: 'Duration', description: 'Seconds' });
export const BanReason = Type.Union(
  [
    Type.Literal('manual'),
    Type.Literal('bruteforce'),
    Type.Literal('scan'),
    Type.Literal('abuse'),
    Type.Literal('xmlrpc'),
  ],
  { title: 'Reason' },
);

/** Names that programs or databases give a meaning of their own, whether or not this node has them as users. */
const RESERVED_NAMES = new Set(
  'root www daemon bin sys sync games man lp mail news uucp proxy backup list irc nobody mysql postgres sudo adm aria ib ddl performance test admin hauban sshd ftp nginx apache hosting'.split(
    ' ',
  ),
);

type Accepted<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };
const refused = (problem: string): { readonly ok: false; readonly problem: string } => ({ ok: false, problem });

export const checkAccountName = (name: string): string | null =>
  RESERVED_NAMES.has(name) ? `${name} is a reserved name: choose another one` : null;

/** Beyond the pattern: an IP address or a name that only looks like one is no domain. */
export const checkDomain = (domain: string): string | null =>
  /(?:^|\.)(?:localhost|local|invalid|onion|arpa)$/.test(domain)
    ? `${domain} lies in a domain that is reserved: no site can have it`
    : null;

/** Shortest prefix that may be banned: without, and with, saying so explicitly. `/0` is impossible. */
const SHORTEST = { 4: { usual: 16, wide: 8 }, 6: { usual: 32, wide: 19 } } as const;

/** Text to a prefix that may be banned, or what is wrong with it, in one sentence. */
export function parseBanTarget(text: string, allowWide: boolean): Accepted<Prefix> {
  const prefix = parsePrefix(text);
  if (prefix === null)
    return refused(
      `${text} is no address and no prefix: write it like 192.0.2.7 or 192.0.2.0/24, without leading zeros, host bits zero`,
    );
  // The length first: a very short prefix touches every special range, and that would be the wrong complaint.
  const { usual, wide } = SHORTEST[prefix.family];
  const shortest = allowWide ? wide : usual;
  if (prefix.length < shortest)
    return refused(
      `${text} is too wide: /${shortest} is the shortest for IPv${prefix.family}${allowWide ? '' : ` (/${wide} with "allow wide prefixes")`}`,
    );
  const special = specialRange(prefix);
  if (special !== null) return refused(`${text} is ${special}: it is never banned`);
  return { ok: true, value: prefix };
}

/** Canonical texts, doubles removed, order kept; or the first problem. */
export function parseBanTargets(texts: readonly string[], allowWide: boolean): Accepted<readonly string[]> {
  const targets = new Set<string>();
  for (const text of texts) {
    const parsed = parseBanTarget(text, allowWide);
    if (!parsed.ok) return parsed;
    targets.add(formatPrefix(parsed.value));
  }
  return { ok: true, value: [...targets] };
}

/** For lists that a file holds (never-ban): any address or prefix, however wide. */
export function parseNetwork(text: string): Accepted<Prefix> {
  const prefix = parsePrefix(text);
  return prefix === null ? refused(`${text} is no address and no prefix`) : { ok: true, value: prefix };
}
