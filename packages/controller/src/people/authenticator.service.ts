import type { Clock } from '@hauban/shared/time';
import type { Grant } from '../authorization/index.ts';
import type { PeopleService } from './people.service.ts';
import type { RolesService } from './roles.service.ts';
import { hashSecret } from './secret.ts';
import type { TokensService } from './tokens.service.ts';

interface Credential {
  readonly kind: 'session' | 'token';
  readonly id: string;
}

/** The person behind a request, in the shape that `http/` asks for. */
interface Known {
  readonly personId: string;
  readonly name: string;
  readonly role: string;
  readonly grant: Grant;
  readonly via: 'page' | 'cli' | 'api';
  readonly credential: Credential;
}

export interface AuthenticatorService {
  bySession(token: string): Promise<Known | null>;
  byToken(secret: string): Promise<Known | null>;
  /** Asks the database each time. */
  isValid(credential: Credential): Promise<boolean>;
  /** It was ended here: it is refused from this moment on. */
  forget(credential: Credential): void;
  /** Role, roles' rules or account changed here: everybody's (or this person's) credentials are looked up again. */
  forgetPerson(personId: string | null): void;
}

/**
 * A program that calls all the time is looked up once in this time. So long a credential that was ended at another
 * controller is still taken here; one that was ended here is not.
 */
const REMEMBER_MS = 2_000;
const MOST = 10_000;

/** Who is behind a session or a token. */
export function createAuthenticator(
  people: PeopleService,
  tokens: TokensService,
  roles: RolesService,
  clock: Clock,
): AuthenticatorService {
  const remembered = new Map<string, { readonly known: Known; readonly until: number }>();

  const remember = async (secret: string, find: () => Promise<Known | null>): Promise<Known | null> => {
    const key = hashSecret(secret);
    const entry = remembered.get(key);
    if (entry !== undefined && entry.until > clock.monotonicMs()) return entry.known;
    const known = await find();
    remembered.delete(key);
    if (known === null) return null;
    if (remembered.size >= MOST) remembered.clear();
    remembered.set(key, { known, until: clock.monotonicMs() + REMEMBER_MS });
    return known;
  };

  return {
    bySession: (token) =>
      remember(token, async () => {
        const found = await people.findSession(token);
        if (found === null) return null;
        const { id: personId, name, role } = found.person;
        const grant = await roles.grantOf(found.person, null);
        return { personId, name, role, grant, via: 'page', credential: { kind: 'session', id: found.hash } };
      }),
    byToken: (secret) =>
      remember(secret, async () => {
        const found = await tokens.findBySecret(secret);
        if (found === null) return null;
        const { id: personId, name, role } = found.person;
        const via = found.madeBy === 'cli' ? 'cli' : 'api';
        const grant = await roles.grantOf(found.person, found.scope);
        return { personId, name, role, grant, via, credential: { kind: 'token', id: found.id } };
      }),
    isValid: (credential) =>
      credential.kind === 'session' ? people.isSessionLive(credential.id) : tokens.isLive(credential.id),
    forgetPerson: (personId) => {
      for (const [key, { known }] of remembered) {
        if (personId === null || known.personId === personId) remembered.delete(key);
      }
    },
    forget: (credential) => {
      for (const [key, { known }] of remembered) {
        if (known.credential.kind === credential.kind && known.credential.id === credential.id) remembered.delete(key);
      }
    },
  };
}
