import type { PeopleService } from './people.service.ts';
import type { TokensService } from './tokens.service.ts';

/** Who is behind a session or a token; the shape that `http/` asks for. */
export function createAuthenticator(people: PeopleService, tokens: TokensService) {
  return {
    bySession: async (token: string) => {
      const found = await people.findSession(token);
      if (found === null) return null;
      const { id, name, role } = found.person;
      return {
        personId: id,
        name,
        role,
        via: 'page' as const,
        credential: { kind: 'session' as const, id: found.hash },
      };
    },
    byToken: async (secret: string) => {
      const found = await tokens.findBySecret(secret);
      if (found === null) return null;
      const { id, name, role } = found.person;
      const via = found.madeBy === 'cli' ? ('cli' as const) : ('api' as const);
      return { personId: id, name, role, via, credential: { kind: 'token' as const, id: found.id } };
    },
    isValid: async (credential: { readonly kind: 'session' | 'token'; readonly id: string }) =>
      credential.kind === 'session' ? people.isSessionLive(credential.id) : tokens.isLive(credential.id),
  };
}
