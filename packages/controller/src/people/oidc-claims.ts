import type { PeopleRule } from './oidc-settings.ts';

/** What a provider signed about somebody, once it is checked. */
export interface SignedClaims {
  readonly issuer: string;
  readonly subject: string;
  /** How the person proved it to the provider, as it says. */
  readonly methods: readonly string[];
  readonly all: Readonly<Record<string, unknown>>;
}

const NAME = /^(?!(?:system|nobody)$)[a-z][a-z0-9._-]{1,31}$/;

const claim = (claims: SignedClaims, name: string): unknown =>
  Object.hasOwn(claims.all, name) ? claims.all[name] : undefined;

/** The first rule that fits decides; null: no role, so nobody comes in. */
export function roleOf(claims: SignedClaims, { roles }: PeopleRule): string | null {
  const fits = ({ claim: name, value }: PeopleRule['roles'][number]): boolean => {
    const found = claim(claims, name);
    return found === value || (Array.isArray(found) && found.includes(value));
  };
  return roles.find(fits)?.role ?? null;
}

/** Login name of a new person; null when the claim gives none that can be one. An address counts when it is verified. */
export function nameOf(claims: SignedClaims, { nameClaim }: PeopleRule): string | null {
  const found = claim(claims, nameClaim);
  if (typeof found !== 'string') return null;
  if (nameClaim === 'email' && claim(claims, 'email_verified') !== true) return null;
  const name = found.toLowerCase().split('@', 1)[0] ?? '';
  return NAME.test(name) ? name : null;
}
