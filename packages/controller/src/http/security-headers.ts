import { randomBytes } from 'node:crypto';
import helmet from '@fastify/helmet';
import type { FastifyInstance, FastifyReply } from 'fastify';

/** 128 bits, as the standard of content policies asks for. */
const NONCE_BYTES = 16;

/**
 * What a browser may do with our pages. Scripts: only our own files; 'wasm-unsafe-eval' lets the player of recordings
 * compile the WebAssembly that is part of them, and nothing else. Styles: our own files, and elements that carry the
 * nonce of this load of the page, which only our scripts can read; a style attribute in markup never applies.
 * @param styleNonce null: no style element at all
 */
function directivesOf(publicUrl: URL, styleNonce: string | null): Record<string, string[]> {
  const socket = publicUrl.protocol === 'https:' ? 'wss' : 'ws';
  return {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'", "'wasm-unsafe-eval'"],
    styleSrc: ["'self'", ...(styleNonce === null ? [] : [`'nonce-${styleNonce}'`])],
    imgSrc: ["'self'", 'data:'],
    fontSrc: ["'self'"],
    // Not every browser counts a WebSocket as 'self'.
    connectSrc: ["'self'", `${socket}://${publicUrl.host}`],
    manifestSrc: ["'self'"],
    workerSrc: ["'self'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
    baseUri: ["'none'"],
    objectSrc: ["'none'"],
  };
}

/** Puts a new nonce into the policy of this one answer. */
export function allowStyles(reply: FastifyReply, publicUrl: URL): string {
  const nonce = randomBytes(NONCE_BYTES).toString('base64url');
  reply.helmet({ contentSecurityPolicy: { useDefaults: false, directives: directivesOf(publicUrl, nonce) } });
  return nonce;
}

/** The same headers on every answer, whatever it is; only the page itself gets more (`allowStyles`). */
export async function setSecurityHeaders(app: FastifyInstance, publicUrl: URL): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: directivesOf(publicUrl, null) },
    crossOriginEmbedderPolicy: false,
    crossOriginOpenerPolicy: { policy: 'same-origin' },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    // Only a server that is reached over TLS may promise it.
    hsts: publicUrl.protocol === 'https:' ? { maxAge: 31_536_000, includeSubDomains: false } : false,
  });
  app.addHook('onSend', async (request, reply) => {
    reply.header('permissions-policy', 'camera=(), microphone=(), geolocation=(), payment=(), usb=()');
    if (request.url.startsWith('/api/')) reply.header('cache-control', 'no-store');
  });
}
