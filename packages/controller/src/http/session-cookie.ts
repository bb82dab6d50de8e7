import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * The session cookie. Over https it has the `__Host-` prefix: the browser then insists on Secure, path / and no
 * domain, so that no other host of the domain can set it. Plain http is for loopback only and has no such name.
 */
export interface SessionCookie {
  readonly name: string;
  read(request: Pick<FastifyRequest, 'cookies'>): string | null;
  write(reply: FastifyReply, token: string, maxAgeMs: number): void;
  clear(reply: FastifyReply): void;
}

export function createSessionCookie(publicUrl: URL): SessionCookie {
  const isSecure = publicUrl.protocol === 'https:';
  const name = isSecure ? '__Host-hauban' : 'hauban-session';
  const attributes = { path: '/', httpOnly: true, secure: isSecure, sameSite: 'strict' } as const;
  return {
    name,
    read: (request) => request.cookies[name] ?? null,
    write: (reply, token, maxAgeMs) =>
      void reply.setCookie(name, token, { ...attributes, maxAge: Math.floor(maxAgeMs / 1000) }),
    clear: (reply) => void reply.clearCookie(name, attributes),
  };
}

/** Value of one cookie in a `Cookie` header; for WebSocket upgrades, which no plugin parses. */
export function hasCookie(header: string | undefined, name: string): boolean {
  return (header ?? '').split(';').some((part) => part.trimStart().startsWith(`${name}=`));
}
