import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import cookie from '@fastify/cookie';
import rateLimit from '@fastify/rate-limit';
import { TypeBoxValidatorCompiler, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { limitAccounts, REQUESTS_PER_MINUTE } from './account-limit.ts';
import { authenticate, type AuthenticateOptions } from './authenticate.ts';
import { CONNECTIONS_PER_ADDRESS, limitConnections } from './connection-limit.ts';
import { answerErrors, describeMismatch } from './error-handler.ts';
import type { HttpApp } from './fastify-types.ts';
import { describeApi } from './openapi.ts';
import { tellRequestEnds, type RequestEnd } from './request-ends.ts';
import { requireAccess, type RouteFact } from './require-access.ts';
import { requireRight, type TargetSource } from './require-right.ts';
import { setSecurityHeaders } from './security-headers.ts';
import { serveUi } from './static-ui.ts';
import { systemRoutes, type SystemParts } from './system-routes.ts';

export interface AppOptions extends AuthenticateOptions {
  readonly log: FastifyBaseLogger;
  readonly publicUrl: URL;
  /** Certificate chain and key, PEM; null: plain http (loopback, or TLS ends before us). */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly uiDir: string | null;
  /** Addresses of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  readonly system: SystemParts;
  /** After each request whose route exists. Must not throw. */
  readonly onRequestEnd?: (end: RequestEnd) => void;
  /** Expands what a request names to the nodes that it concerns. */
  readonly targets: TargetSource;
  readonly nowMs: () => number;
  /** Requests of one person in a minute; default 60,000. */
  readonly requestsPerMinute?: number;
  /** Each registers the routes of one feature. */
  readonly routes: readonly ((app: HttpApp) => void)[];
}

export interface App {
  readonly server: HttpApp;
  readonly routes: readonly RouteFact[];
}

const BODY_LIMIT_BYTES = 1024 * 1024;
/** Of TLS; the headers have their own. */
const HANDSHAKE_WITHIN_MS = 10_000;

/**
 * Builds the server; nothing listens yet. A route without access level or response schema stops it here.
 */
export async function buildApp(options: AppOptions): Promise<App> {
  const server = { headersTimeout: 10_000, maxHeaderSize: 16_384, connectionsCheckingInterval: 5_000 };
  const transport =
    options.tls === null
      ? { http: server }
      : { https: { ...server, ...options.tls, minVersion: 'TLSv1.2', handshakeTimeout: HANDSHAKE_WITHIN_MS } };
  const app = fastify({
    ...transport,
    loggerInstance: options.log,
    // One line a request, ours: without the query, which may hold a ticket or a set-up token.
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: options.trustedProxies.length === 0 ? false : [...options.trustedProxies],
    bodyLimit: BODY_LIMIT_BYTES,
    // A client that sends slowly holds a connection for no longer than this.
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    routerOptions: { maxParamLength: 200 },
    // Long polls are answered at once when the server stops.
    forceCloseConnections: 'idle',
    schemaErrorFormatter: (errors, part) => new Error(describeMismatch(errors, part)),
    genReqId: () => randomUUID(),
  }).withTypeProvider<TypeBoxTypeProvider>() as unknown as HttpApp;
  const letIn = limitConnections(app.server, { perAddress: CONNECTIONS_PER_ADDRESS, exempt: options.trustedProxies });
  app.server.on('upgrade', (request) => letIn(request.socket));
  app.setValidatorCompiler(TypeBoxValidatorCompiler);
  answerErrors(app);
  app.addHook('onRequest', async (request, reply) => void reply.header('x-request-id', request.id));
  logRequests(app);
  if (options.onRequestEnd !== undefined) tellRequestEnds(app, options.onRequestEnd);
  await setSecurityHeaders(app, options.publicUrl);
  await app.register(cookie);
  await app.register(rateLimit, {
    global: false,
    errorResponseBuilder: (_request, context) =>
      new HaubanError('RATE_LIMITED', `Too many requests from this address; try again in ${context.after}.`),
  });
  await describeApi(app);
  const routes = requireAccess(app);
  authenticate(app, options);
  limitAccounts(app, options.requestsPerMinute ?? REQUESTS_PER_MINUTE);
  requireRight(app, options);
  systemRoutes(app, options.system);
  for (const register of options.routes) register(app);
  await serveUi(app, options.uiDir, options.publicUrl);
  return { server: app, routes };
}

function logRequests(app: FastifyInstance): void {
  app.addHook('onResponse', async (request, reply) => {
    const fields = {
      method: request.method,
      path: request.url.split('?', 1)[0],
      status: reply.statusCode,
      tookMs: Math.round(reply.elapsedTime * 10) / 10,
      from: request.ip,
      who: request.caller?.name,
    };
    if (request.routeOptions.url === '/api/health') request.log.debug(fields, 'request');
    else request.log.info(fields, 'request');
  });
}

/** Starts to listen; PORT_IN_USE or CONFIG_BAD with one sentence when it cannot. */
export async function listen(app: App, host: string, port: number): Promise<AddressInfo> {
  try {
    await app.server.listen({ host, port });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EADDRINUSE') {
      throw new HaubanError(
        'PORT_IN_USE',
        `The port ${port} of ${host} is in use: stop what listens there, or choose another with HAUBAN_LISTEN.`,
        { cause: error },
      );
    }
    throw new HaubanError(
      'CONFIG_BAD',
      `Cannot listen on ${host}:${port} (${code ?? 'unknown reason'}): check HAUBAN_LISTEN.`,
      { cause: error },
    );
  }
  const address = app.server.server.address();
  if (address === null || typeof address === 'string') throw new HaubanError('INTERNAL', 'the server listens nowhere');
  return address;
}

const IDLE_CHECK_MS = 100;

/**
 * Takes no more requests and waits for those under way. A connection whose answer went out at that very moment would
 * stay open for its keep-alive time, so idle ones are closed again and again.
 */
export async function closeApp(app: App, clock: Clock): Promise<void> {
  const { server } = app.server;
  const timer = clock.every(IDLE_CHECK_MS, () => server.closeIdleConnections());
  try {
    await app.server.close();
  } finally {
    timer.cancel();
  }
}
