/**
 * The controller's composition root: builds every part by plain arguments and ties them together. What a part does is
 * in its room; here is only who knows whom, in which order they start, and in which they stop.
 */
import { systemClock, systemRandom } from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import type { NodeId } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import { sql } from 'drizzle-orm';
import { actionRoutes } from './actions/actions.routes.ts';
import { auditRoutes } from './audit/audit.routes.ts';
import { createServices, type ControllerParts, type Services } from './compose-services.ts';
import { mayAttach } from './compose-targets.ts';
import { joinTokenRoutes } from './enrolment/join-tokens.routes.ts';
import { createGateway, type Gateway } from './gateway/gateway.ts';
import {
  allowedOrigins,
  buildApp,
  closeApp,
  createSessionCookie,
  createSignOnCookie,
  createSocketTickets,
  createUpgrades,
  listen,
  readableBy,
  type App,
  type Credential,
  type HttpApp,
  type Upgrades,
} from './http/index.ts';
import { inventoryRoutes } from './inventory/inventory.routes.ts';
import { createLiveHub, type LiveHub } from './live/index.ts';
import { metricRoutes } from './metrics/metrics.routes.ts';
import { nodeRoutes } from './nodes/nodes.routes.ts';
import { createAuthenticator, type AuthenticatorService } from './people/authenticator.service.ts';
import { directoryRoutes } from './people/directory.routes.ts';
import { inviteRoutes } from './people/invites.routes.ts';
import { oidcRoutes } from './people/oidc.routes.ts';
import { ownRoutes } from './people/own.routes.ts';
import { peopleRoutes } from './people/people.routes.ts';
import { tokenRoutes } from './people/tokens.routes.ts';
import { banListRoutes } from './pools/ban-lists.routes.ts';
import { poolRoutes } from './pools/pools.routes.ts';
import { recordingRoutes } from './recordings/recordings.routes.ts';
import { runControlRoutes } from './runs/run-control.routes.ts';
import { runRoutes } from './runs/runs.routes.ts';
import { scheduleRoutes } from './schedules/schedules.routes.ts';
import { shellRoutes } from './shells/shells.routes.ts';
import { createShellSockets } from './shells/shells.socket.ts';
import { approvalRoutes } from './trust/approvals.routes.ts';
import { trustRoutes } from './trust/trust.routes.ts';
import { webhookRoutes } from './webhooks/webhooks.routes.ts';
import { windowRoutes } from './windows/windows.routes.ts';

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
  banListRoutes,
  directoryRoutes,
  inventoryRoutes,
  inviteRoutes,
  joinTokenRoutes,
  metricRoutes,
  nodeRoutes,
  oidcRoutes,
  ownRoutes,
  peopleRoutes,
  poolRoutes,
  recordingRoutes,
  runControlRoutes,
  runRoutes,
  scheduleRoutes,
  shellRoutes,
  tokenRoutes,
  trustRoutes,
  webhookRoutes,
  windowRoutes,
];

type RouteParts = Services & {
  readonly cookie: ReturnType<typeof createSessionCookie>;
  readonly signOnCookie: ReturnType<typeof createSignOnCookie>;
  readonly tickets: ReturnType<typeof createSocketTickets>;
  readonly attemptsPerMinute: number;
  readonly onSignedOut: (sessionHash: string) => void;
  readonly onTokenDeleted: (id: string) => void;
  readonly onRightsChanged: (personId: string | null) => void;
};

function createNodeGateway(parts: ControllerParts, services: Services): Gateway {
  const { nodeLinks, receiptSteps, enrolment, refusals, metrics, inventory, dispatch, receipts, shells, recordings } =
    services;
  return createGateway({
    identity: services.identity,
    clock: parts.clock ?? systemClock,
    random: parts.random ?? systemRandom,
    log: parts.log,
    bindsTls: parts.tls !== null,
    ports: {
      nodes: {
        ...nodeLinks,
        receiptStep: (link, step) => receiptSteps.receiptStep(link.nodeId, step),
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
      inventory: {
        ...inventory,
        inventory: async (link, message) => {
          await inventory.inventory(link, message);
          // Sections come when something in them changed.
          await services.poolWork.hint(link.nodeId);
        },
      },
      areas: { changed: ({ nodeId }, areas) => services.poolWork.changed(nodeId, areas) },
      shells,
      recordings,
      trust: {
        nodeStatus: (nodeId, held) => services.bundles.nodeStatus(nodeId, held),
        linkSteps: (pinned) => services.bundles.linkSteps(pinned),
      },
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
    signOnCookie: createSignOnCookie(publicUrl),
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
  const { publicUrl, log } = parts;
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
  const shellSockets = createShellSockets(services.shells, { clock, log }, mayAttach(services.targets, clock));
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
    log,
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
  return {
    app,
    upgrades,
    gateway: nodeGateway,
    services,
    ...createLife(parts, services, { clock, app, upgrades, hub, shellSockets, gateway: nodeGateway }),
  };
}

/** What starts and stops besides the services. */
interface Edges {
  readonly clock: Clock;
  readonly app: App;
  readonly upgrades: Upgrades;
  readonly hub: LiveHub;
  readonly shellSockets: ReturnType<typeof createShellSockets>;
  readonly gateway: Gateway;
}

/** In which order all of it starts, and in which it stops. */
function createLife(parts: ControllerParts, services: Services, edges: Edges): Pick<Controller, 'start' | 'stop'> {
  const { log } = parts;
  const { clock, app, upgrades, hub, shellSockets, gateway } = edges;
  const { audit, auditHeads, requestRows, nodeLinks, metrics, orderBeat, expiry, events, people, refusals, shells } =
    services;
  const { approvals, bundles, rollout, poolWork, banLists, dueSchedules, webhookKeys, deliverWebhooks } = services;
  const cleanUp = clock.every(CLEAN_UP_MS, () => {
    people.deleteExpired().catch((error: unknown) => log.warn({ err: error }, 'old sign-ins could not be deleted'));
  });

  return {
    start: async (host, port) => {
      await nodeLinks.start();
      await metrics.start();
      await bundles.start();
      approvals.start();
      orderBeat.start();
      rollout.start();
      poolWork.start();
      banLists.start();
      dueSchedules.start();
      await webhookKeys.start();
      deliverWebhooks.start();
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
      await gateway.close();
      await closeApp(app, clock);
      cleanUp.cancel();
      await deliverWebhooks.stop();
      await webhookKeys.stop();
      await dueSchedules.stop();
      await banLists.stop();
      await poolWork.stop();
      await rollout.stop();
      await orderBeat.stop();
      await expiry.stop();
      await approvals.stop();
      bundles.stop();
      await shells.stop();
      await nodeLinks.stop();
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
