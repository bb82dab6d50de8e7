import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * Binds a sign-on under way to the browser that began it. Lax, since that browser is away at the provider meanwhile;
 * short-lived; and named so that no other host of the domain can set it (over https).
 */
export interface SignOnCookie {
  read(request: Pick<FastifyRequest, 'cookies'>): string | null;
  write(reply: FastifyReply, secret: string, maxAgeMs: number): void;
  clear(reply: FastifyReply): void;
}

export function createSignOnCookie(publicUrl: URL): SignOnCookie {
  const isSecure = publicUrl.protocol === 'https:';
  const name = isSecure ? '__Host-hauban-sign-on' : 'hauban-sign-on';
  const attributes = { path: '/', httpOnly: true, secure: isSecure, sameSite: 'lax' } as const;
  return {
    read: (request) => request.cookies[name] ?? null,
    write: (reply, secret, maxAgeMs) =>
      void reply.setCookie(name, secret, { ...attributes, maxAge: Math.floor(maxAgeMs / 1000) }),
    clear: (reply) => void reply.clearCookie(name, attributes),
  };
}
