import { HaubanError } from '@hauban/shared/errors';
import Type, { type Static } from 'typebox';
import Value from 'typebox/value';

/** A claim that gives a role: the claim is this text, or a list that has it. */
const RoleRule = Type.Object(
  {
    claim: Type.String({ minLength: 1, maxLength: 200 }),
    value: Type.String({ minLength: 1, maxLength: 500 }),
    role: Type.String({ pattern: '^[a-z][a-z0-9-]{1,31}$' }),
  },
  { additionalProperties: false },
);
const People = Type.Object(
  {
    nameClaim: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    /** The first that fits decides; without one that fits nobody comes in. */
    roles: Type.Array(RoleRule, { minItems: 1, maxItems: 50 }),
  },
  { additionalProperties: false },
);
const Provider = Type.Object(
  {
    id: Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' }),
    name: Type.String({ minLength: 1, maxLength: 60 }),
    issuer: Type.String({ maxLength: 500 }),
    clientId: Type.String({ minLength: 1, maxLength: 500 }),
    clientSecretFile: Type.String({ pattern: '^/' }),
    scopes: Type.Optional(Type.Array(Type.String({ pattern: '^[!-~]{1,200}$' }), { maxItems: 20 })),
    people: Type.Optional(People),
  },
  { additionalProperties: false },
);
const SignOnFile = Type.Object({ providers: Type.Array(Provider, { maxItems: 20 }) }, { additionalProperties: false });

/** What makes a person of somebody who comes for the first time. */
export interface PeopleRule {
  readonly nameClaim: string;
  readonly roles: readonly Readonly<Static<typeof RoleRule>>[];
}

export interface ProviderSettings {
  readonly id: string;
  /** On the button. */
  readonly name: string;
  /** Exactly as the provider says it of itself. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scopes: readonly string[];
  /** Null: only people who are here, by an identity that they linked. */
  readonly people: PeopleRule | null;
}

const WHERE = 'HAUBAN_SIGN_ON_FILE';
const bad = (detail: string, cause?: unknown): HaubanError => new HaubanError('CONFIG_BAD', detail, { cause });
const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whoever reads or changes what goes to a provider signs in as anybody: https, or a program of this machine. */
export function isSafeTransport(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname));
}

function checkIssuer({ id, issuer }: Static<typeof Provider>): void {
  const url = URL.canParse(issuer) ? new URL(issuer) : null;
  if (url === null || !isSafeTransport(url) || url.username !== '' || url.search !== '' || url.hash !== '')
    throw bad(
      `${WHERE}: the issuer of ${id} must be an https:// address without user name and query (http:// on this machine only).`,
    );
}

/** Whoever rules over a provider must not own the fleet. */
function checkRoles({ id, people }: Static<typeof Provider>): void {
  if (people?.roles.some(({ role }) => role === 'owner') === true)
    throw bad(`${WHERE}: a provider gives nobody the role owner (${id}): an owner makes owners, in the page.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw bad(`${WHERE} is not JSON: look for a missing comma or quote.`, error);
  }
}

/**
 * Providers as the operator's file names them. CONFIG_BAD with one sentence for whatever does not fit.
 * @param readSecret content of a secret's file
 */
export function parseSignOnSettings(text: string, readSecret: (path: string) => string): ProviderSettings[] {
  const file = parseJson(text);
  if (!Value.Check(SignOnFile, file)) {
    const first = [...Value.Errors(SignOnFile, file)][0];
    throw bad(`${WHERE}: ${first?.instancePath ?? ''} ${first?.message ?? 'does not fit'}; see docs/sign-on.md.`);
  }
  const ids = file.providers.map(({ id }) => id);
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  if (twice !== undefined) throw bad(`${WHERE}: two providers have the id ${twice}: each needs its own.`);
  return file.providers.map((provider) => {
    checkIssuer(provider);
    checkRoles(provider);
    const { id, name, issuer, clientId, scopes, people } = provider;
    return {
      id,
      name,
      issuer,
      clientId,
      clientSecret: readSecret(provider.clientSecretFile),
      scopes: [...new Set(['openid', ...(scopes ?? ['profile'])])],
      people:
        people === undefined ? null : { nameClaim: people.nameClaim ?? 'preferred_username', roles: people.roles },
    };
  });
}
