/**
 * The controller's composition root: builds every part by plain arguments and ties them together. What a part does is
 * in its room; here is only who knows whom, in which order they start, and in which they stop.
 */
import { inflateRawSync } from 'node:zlib';
import { systemClock, systemRandom, type ControllerIdentity } from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import type { NodeId } from '@hauban/shared/protocol';
import type { Clock, Random } from '@hauban/shared/time';
import { sql } from 'drizzle-orm';
import { createAccountUidsRepository } from './actions/account-uids.repository.ts';
import { actionRoutes } from './actions/actions.routes.ts';
import { createActionsService } from './actions/actions.service.ts';
import { auditRoutes } from './audit/audit.routes.ts';
import { createRequestRows } from './audit/request-rows.ts';
import type { OutsideWitness } from './audit/outside-witness.ts';
import { createAudit, createAuditEvidence } from './compose-audit.ts';
import { createPeople } from './compose-people.ts';
import { createRuns } from './compose-runs.ts';
import { createShells } from './compose-shells.ts';
import { createTargetSource, mayAttach } from './compose-targets.ts';
import { createTrust } from './compose-trust.ts';
import type { Database } from './db/index.ts';
import { createEnrolmentRepository } from './enrolment/enrolment.repository.ts';
import { createEnrolmentService } from './enrolment/enrolment.service.ts';
import { joinTokenRoutes } from './enrolment/join-tokens.routes.ts';
import { createJoinTokensService } from './enrolment/join-tokens.service.ts';
import { createGateway, type Gateway } from './gateway/gateway.ts';
import {
  allowedOrigins,
  buildApp,
  closeApp,
  createSessionCookie,
  createSocketTickets,
  createUpgrades,
  listen,
  readableBy,
  type App,
  type Credential,
  type HttpApp,
  type Upgrades,
} from './http/index.ts';
import { createInventoryRepository } from './inventory/inventory.repository.ts';
import { inventoryRoutes } from './inventory/inventory.routes.ts';
import { createInventoryService } from './inventory/inventory.service.ts';
import { createLiveHub, type LiveHub } from './live/index.ts';
import { createMetricsRepository } from './metrics/metrics.repository.ts';
import { metricRoutes } from './metrics/metrics.routes.ts';
import { createMetricsService } from './metrics/metrics.service.ts';
import { createLinkRefusals } from './nodes/link-refusals.service.ts';
import { createNewNodes } from './nodes/new-nodes.service.ts';
import { createNodeLinksRepository } from './nodes/node-links.repository.ts';
import { createNodeLinksService } from './nodes/node-links.service.ts';
import { createNodesRepository } from './nodes/nodes.repository.ts';
import { nodeRoutes } from './nodes/nodes.routes.ts';
import { createNodesService } from './nodes/nodes.service.ts';
import { createPresence } from './nodes/presence.ts';
import { createAuthenticator, type AuthenticatorService } from './people/authenticator.service.ts';
import { directoryRoutes } from './people/directory.routes.ts';
import { inviteRoutes } from './people/invites.routes.ts';
import { ownRoutes } from './people/own.routes.ts';
import { peopleRoutes } from './people/people.routes.ts';
import { tokenRoutes } from './people/tokens.routes.ts';
import { recordingRoutes } from './recordings/recordings.routes.ts';
import type { RootLog } from './runtime/index.ts';
import { runRoutes } from './runs/runs.routes.ts';
import { shellRoutes } from './shells/shells.routes.ts';
import { createShellSockets } from './shells/shells.socket.ts';
import type { SignerClient } from './signer/index.ts';
import { approvalRoutes } from './trust/approvals.routes.ts';
import type { WaitingRuns } from './trust/approvals.service.ts';
import { trustRoutes } from './trust/trust.routes.ts';

export interface ControllerParts {
  readonly database: Database;
  readonly identity: ControllerIdentity;
  readonly signer: SignerClient;
  readonly log: RootLog;
  readonly publicUrl: URL;
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly uiDir: string | null;
  readonly trustedProxies: readonly string[];
  readonly version: string;
  /** Who keeps signed heads of the audit log, besides the nodes. */
  readonly auditWitnesses?: readonly OutsideWitness[];
  readonly clock?: Clock;
  readonly random?: Random;
  /** Attempts to sign in that an address may make within a minute; default 20. */
  readonly attemptsPerMinute?: number;
}

export interface Controller {
  /** For `inject` in tests and for the list of routes. */
  readonly app: App;
  readonly upgrades: Upgrades;
  readonly gateway: Gateway;
  readonly services: Services;
  /** Nodes and people are let in from here on. Gives the port that it listens on. */
  start(host: string, port: number): Promise<number>;
  /** Says goodbye to nodes and pages (1001), ends what runs, closes. The database stays open. */
  stop(): Promise<void>;
}

/** All routes, one function a feature: each takes its own parts out of these. */
const ROUTES: readonly ((app: HttpApp, parts: RouteParts) => void)[] = [
  actionRoutes,
  approvalRoutes,
  auditRoutes,
  directoryRoutes,
  inventoryRoutes,
  inviteRoutes,
  joinTokenRoutes,
  metricRoutes,
  nodeRoutes,
  ownRoutes,
  peopleRoutes,
  recordingRoutes,
  runRoutes,
  shellRoutes,
  tokenRoutes,
  trustRoutes,
];

type RouteParts = Services & {
  readonly cookie: ReturnType<typeof createSessionCookie>;
  readonly tickets: ReturnType<typeof createSocketTickets>;
  readonly attemptsPerMinute: number;
  readonly onSignedOut: (sessionHash: string) => void;
  readonly onTokenDeleted: (id: string) => void;
  readonly onRightsChanged: (personId: string | null) => void;
};

type Services = ReturnType<typeof createServices>;

/** What is built after the services, because it needs them; asked when it is there. */
interface Later {
  readonly links: () => Gateway['links'] | null;
  readonly isWatched: () => boolean;
  /** What this person was let in by is worth nothing any more. */
  readonly onLeft: (personId: string) => void;
}

/** Features, without HTTP and sockets. */
function createServices(parts: ControllerParts, { links, isWatched, onLeft }: Later) {
  const { database, identity, signer, log, publicUrl } = parts;
  const { transaction, together } = database;
  const clock = parts.clock ?? systemClock;
  const random = parts.random ?? systemRandom;
  const audit = createAudit(database, clock);
  const shared = { audit, transaction, together, clock, random, log };
  const find = (nodeId: string) => links()?.find(nodeId as NodeId) ?? null;

  const people = createPeople(shared, database, publicUrl);
  const metrics = createMetricsService({ repository: createMetricsRepository(database), clock, log, inflate });
  const nodesRepository = createNodesRepository(database);
  const presence = createPresence();
  const nodes = createNodesService({
    ...shared,
    repository: nodesRepository,
    presence,
    figuresOf: (nodeId) => metrics.figuresOf(nodeId),
    disconnect: (nodeId, code, why) => find(nodeId)?.close(code, why),
  });
  const nodeLinks = createNodeLinksService({
    ...shared,
    repository: createNodeLinksRepository(database),
    nodes: nodesRepository,
    presence,
    disconnect: (nodeId, code, why) => find(nodeId)?.close(code, why),
  });

  const enrolmentRepository = createEnrolmentRepository(database);
  const joinTokens = createJoinTokensService({
    ...shared,
    repository: enrolmentRepository,
    linkKey: identity.key.publicText,
    publicUrl,
  });
  const enrolment = createEnrolmentService({
    ...shared,
    repository: enrolmentRepository,
    nodes: createNewNodes(nodesRepository, presence, (nodeId, code, why) => find(nodeId)?.close(code, why)),
    authorityKeys: () => signer.keys(),
  });

  const actions = createActionsService(createAccountUidsRepository(database), clock);
  const { controllerId } = identity;
  const waitingRuns = (): WaitingRuns => runs.waitingRuns;
  const trust = createTrust(shared, database, {
    controllerId,
    publicUrl,
    signer,
    waitingRuns,
    hostNames: nodes.hostNames,
    links: () => links()?.all() ?? [],
  });
  const shells = createShells({
    ...shared,
    database,
    controllerId,
    signer,
    nodes,
    approvals: trust.shellApprovals,
    findLink: find,
  });
  const runs = createRuns(shared, database, {
    isWatched,
    controllerId,
    signer,
    approvals: trust.runApprovals,
    actions,
    nodes,
    shellReceipt: (nodeId, receipt, jws) => shells.shells.receipt(nodeId, receipt, jws),
    links: {
      isOnline: (nodeId) => find(nodeId)?.isOpen ?? false,
      send: (nodeId, jws) => (find(nodeId)?.sendOrder(jws) ?? 'closed') !== 'closed',
    },
  });
  const inventory = createInventoryService({ ...shared, repository: createInventoryRepository(database) });
  const refusals = createLinkRefusals(audit, clock, log);
  const requestRows = createRequestRows(audit, clock, log);
  const evidence = createAuditEvidence(shared, database, {
    identity,
    witnesses: parts.auditWitnesses ?? [],
    hostNameOf: async (nodeId) => (await nodes.hostNames([nodeId])).get(nodeId) ?? null,
    tellNodes: (jws) =>
      links()
        ?.all()
        .forEach((link) => void link.sendAuditHead(jws)),
  });
  const offboarding = people.offboardingWith({ runs: { cancelOf: runs.cancelOrders }, shells: shells.shells, onLeft });
  const targets = createTargetSource({ nodes, runs: runs.runs, shells: shells.shells });
  return {
    offboarding,
    targets,
    ...people,
    ...runs,
    ...shells,
    ...evidence,
    ...trust,
    audit,
    requestRows,
    metrics,
    nodes,
    nodeLinks,
    presence,
    joinTokens,
    enrolment,
    actions,
    inventory,
    refusals,
  };
}

/** Raw inflate with a bound; undefined for what is no deflated data. */
function inflate(bytes: Uint8Array, maxBytes: number): Uint8Array | undefined {
  try {
    return inflateRawSync(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

function createNodeGateway(parts: ControllerParts, services: Services): Gateway {
  const { nodeLinks, enrolment, refusals, metrics, inventory, dispatch, receipts, shells, recordings } = services;
  return createGateway({
    identity: parts.identity,
    clock: parts.clock ?? systemClock,
    random: parts.random ?? systemRandom,
    log: parts.log,
    bindsTls: parts.tls !== null,
    ports: {
      nodes: {
        ...nodeLinks,
        status: async (link, status) => {
          await nodeLinks.status(link, status);
          await shells.nodeStatus(link, status);
        },
        linkReady: (link) => {
          nodeLinks.linkReady(link);
          if (!link.isOpen) return;
          // A node that has told nothing yet is asked for everything.
          inventory.isEmpty(link.nodeId).then(
            (isEmpty) => isEmpty && link.refreshInventory(null),
            (error: unknown) => parts.log.warn({ err: error }, 'the inventory could not be read'),
          );
        },
      },
      enrolment,
      refusals,
      runs: { ...dispatch, receipt: receipts.receipt },
      metrics,
      inventory,
      shells,
      recordings,
      trust: { nodeStatus: (nodeId, version) => services.bundles.nodeStatus(nodeId, version) },
      audit: { seen: (link, auditHead) => services.auditHeads.seen(link, auditHead) },
    },
  });
}

function createHub(services: Services, gateway: Gateway, clock: Clock): LiveHub {
  const { nodes, presence, metrics, runs } = services;
  return createLiveHub(
    {
      onNode: (listener) => {
        const ends = [
          presence.onChange(({ node }) => listener(node.id)),
          metrics.onTick(({ nodeId }) => listener(nodeId)),
        ];
        return () => ends.forEach((end) => end());
      },
      nodeRow: (nodeId) => nodes.liveRow(nodeId) ?? nodes.row(nodeId),
      onTick: (listener) => metrics.onTick(listener),
      onRun: (listener) => runs.onRun(listener),
      readableBy: (caller) => readableBy(caller, { targets: services.targets, nowMs: () => clock.nowMs() }),
      nodesOfRun: (runId) => services.runs.nodesOf(runId),
      watchNode: (nodeId, periodMs) => void gateway.links.find(nodeId as NodeId)?.watch(periodMs),
    },
    clock,
  );
}

async function createHttp(parts: ControllerParts, services: Services, upgrades: Upgrades, web: Web): Promise<App> {
  const { audit } = services;
  const { log, database, version, publicUrl, tls, uiDir, trustedProxies } = parts;
  const revoke = (credential: Credential): void => {
    web.authenticator.forget(credential);
    upgrades.revoke(credential);
  };
  const routeParts: RouteParts = {
    ...services,
    cookie: web.cookie,
    tickets: web.tickets,
    attemptsPerMinute: parts.attemptsPerMinute ?? 20,
    onSignedOut: (id) => revoke({ kind: 'session', id }),
    onTokenDeleted: (id) => revoke({ kind: 'token', id }),
    onRightsChanged: web.onRightsChanged,
  };
  return buildApp({
    log,
    publicUrl,
    tls,
    uiDir,
    trustedProxies,
    cookie: web.cookie,
    origins: web.origins,
    authenticator: web.authenticator,
    targets: services.targets,
    nowMs: web.nowMs,
    onForbidden: (caller, request, why) => {
      const detail = { method: request.method, route: request.routeOptions.url ?? '', role: caller.role, why };
      audit
        .recordAlone({ code: 'A1030W', who: caller.name, address: request.ip, detail })
        .catch((error: unknown) => log.warn({ err: error }, 'a refusal could not be written to the audit log'));
    },
    onRequestEnd: ({ request, route, status, code }) =>
      services.requestRows.ended({
        method: request.method,
        route,
        status,
        code,
        who: request.caller?.name ?? null,
        address: request.ip,
      }),
    system: {
      version,
      ping: async () => void (await database.query((db) => db.execute(sql`SELECT 1`))),
    },
    routes: ROUTES.map((register) => (app: HttpApp) => register(app, routeParts)),
  });
}

/** What requests and upgrades are judged by. */
interface Web {
  readonly cookie: ReturnType<typeof createSessionCookie>;
  readonly tickets: ReturnType<typeof createSocketTickets>;
  readonly origins: ReadonlySet<string>;
  readonly authenticator: AuthenticatorService;
  readonly nowMs: () => number;
  /** Rights of this person (null: perhaps of everybody) are not what they were. */
  readonly onRightsChanged: (personId: string | null) => void;
}

const CLEAN_UP_MS = 10 * 60_000;

/** Builds a controller; nothing listens and nothing runs yet. The caller owns database and signer client. */
export async function createController(parts: ControllerParts): Promise<Controller> {
  const clock = parts.clock ?? systemClock;
  const random = parts.random ?? systemRandom;
  const { log, publicUrl } = parts;
  let gateway: Gateway | null = null;
  let pages: LiveHub | null = null;
  let leaving: (personId: string | null) => void = () => undefined;
  const services = createServices(parts, {
    links: () => gateway?.links ?? null,
    isWatched: () => (pages?.viewers ?? 0) > 0,
    onLeft: (personId) => leaving(personId),
  });
  const nodeGateway = createNodeGateway(parts, services);
  gateway = nodeGateway;
  const hub = createHub(services, nodeGateway, clock);
  pages = hub;
  const shellSockets = createShellSockets(services.shells, clock, mayAttach(services.targets, clock));
  const web: Web = {
    cookie: createSessionCookie(publicUrl),
    tickets: createSocketTickets(clock, random),
    origins: allowedOrigins(publicUrl),
    authenticator: createAuthenticator(services.people, services.tokens, services.roles, clock),
    nowMs: () => clock.nowMs(),
    onRightsChanged: (personId) => leaving(personId),
  };
  const upgrades = createUpgrades({
    ...web,
    cookieName: web.cookie.name,
    clock,
    routes: [
      { path: '/link', access: 'public', accept: (upgrade) => nodeGateway.accept(upgrade) },
      hub.route,
      shellSockets.route,
    ],
  });
  leaving = (personId) => {
    web.authenticator.forgetPerson(personId);
    upgrades.revokePerson(personId);
  };
  const app = await createHttp(parts, services, upgrades, web);
  const { audit, auditHeads, requestRows, nodeLinks, metrics, orderBeat, expiry, events, people, refusals, shells } =
    services;
  const { approvals, bundles } = services;
  const cleanUp = clock.every(CLEAN_UP_MS, () => {
    people.deleteExpired().catch((error: unknown) => log.warn({ err: error }, 'old sign-ins could not be deleted'));
  });

  return {
    app,
    upgrades,
    gateway: nodeGateway,
    services,
    start: async (host, port) => {
      await nodeLinks.start();
      await metrics.start();
      await bundles.start();
      approvals.start();
      orderBeat.start();
      expiry.start();
      shells.start();
      upgrades.attach(app.server.server);
      const address = await listen(app, host, port);
      await audit.recordAlone({ code: 'A5000I', who: 'system', detail: { version: parts.version } });
      await auditHeads.start();
      return address.port;
    },
    stop: async () => {
      // Long polls first, then sockets, then requests that are under way; timers last, they need nobody.
      events.stop();
      upgrades.close();
      hub.stop();
      shellSockets.stop();
      await nodeGateway.close();
      await closeApp(app, clock);
      cleanUp.cancel();
      await orderBeat.stop();
      expiry.stop();
      approvals.stop();
      bundles.stop();
      shells.stop();
      nodeLinks.stop();
      await metrics.stop();
      await refusals.stop();
      try {
        await requestRows.stop();
        await audit.recordAlone({ code: 'A5001I', who: 'system' });
        await auditHeads.stop();
      } catch (error) {
        // The database went first; that is no reason not to stop.
        if (!(error instanceof HaubanError) || error.code !== 'DATABASE') throw error;
        log.warn({ err: error }, 'the stop could not be written to the audit log');
      }
    },
  };
}
