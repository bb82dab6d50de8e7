/** Every feature of the controller, without HTTP and sockets: who knows whom, by plain arguments. */
import { inflateRawSync } from 'node:zlib';
import { systemClock, systemRandom, type ControllerIdentity, type KeyPair } from '@hauban/link';
import type { NodeId } from '@hauban/shared/protocol';
import type { Clock, Random } from '@hauban/shared/time';
import { createAccountUidsRepository } from './actions/account-uids.repository.ts';
import { createActionsService } from './actions/actions.service.ts';
import { createRequestRows } from './audit/request-rows.ts';
import type { OutsideWitness } from './audit/outside-witness.ts';
import { createAudit, createAuditEvidence } from './compose-audit.ts';
import { createPeople, type Shared, type SignOnOptions } from './compose-people.ts';
import { createPools } from './compose-pools.ts';
import { createRuns } from './compose-runs.ts';
import { createShells } from './compose-shells.ts';
import { createSchedules } from './compose-schedules.ts';
import { createTargetSource, targetsOf } from './compose-targets.ts';
import { createTrust, type TrustNeeds } from './compose-trust.ts';
import { createWebhooks, type WebhookOptions } from './compose-webhooks.ts';
import type { Database } from './db/index.ts';
import { createEnrolmentRepository } from './enrolment/enrolment.repository.ts';
import { createEnrolmentService } from './enrolment/enrolment.service.ts';
import { createJoinTokensService } from './enrolment/join-tokens.service.ts';
import { createInventoryRepository } from './inventory/inventory.repository.ts';
import { createInventoryService } from './inventory/inventory.service.ts';
import { createMetricsRepository } from './metrics/metrics.repository.ts';
import { createMetricsService } from './metrics/metrics.service.ts';
import { createLinkRefusals } from './nodes/link-refusals.service.ts';
import { createNewNodes } from './nodes/new-nodes.service.ts';
import { createNodeLinksRepository } from './nodes/node-links.repository.ts';
import { createNodeLinksService } from './nodes/node-links.service.ts';
import { createNodesRepository } from './nodes/nodes.repository.ts';
import { createNodesService } from './nodes/nodes.service.ts';
import { createPresence } from './nodes/presence.ts';
import { createReceiptSteps } from './nodes/receipt-steps.service.ts';
import { judgeRelease, readHealth, rightsOf } from './compose-rollout.ts';
import { createSelectTargets } from './runs/select-targets.service.ts';
import type { RootLog } from './runtime/index.ts';
import { goesByPlace, type SignerClient } from './signer/index.ts';
import type { TotpSeal } from './people/totp-seal.ts';
import type { WaitingRuns } from './trust/approvals.service.ts';
import { createLinkKeysRepository } from './trust/link-keys.repository.ts';
import { LinkKeysService } from './trust/link-keys.service.ts';
import { createWindowsRepository } from './windows/windows.repository.ts';
import { createWindowsService } from './windows/windows.service.ts';
import type { Gateway } from './gateway/gateway.ts';

export interface ControllerParts {
  readonly database: Database;
  /** As it is now; after a rotation `loadLinkKey` gives the next one. */
  readonly identity: ControllerIdentity;
  /** Private half of a link key, from this machine; null: it is not there. Left out: there is no other one. */
  readonly loadLinkKey?: (publicText: string) => KeyPair | null;
  readonly signer: SignerClient;
  readonly log: RootLog;
  readonly publicUrl: URL;
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly uiDir: string | null;
  readonly trustedProxies: readonly string[];
  readonly version: string;
  /** Who keeps signed heads of the audit log, besides the nodes. */
  readonly auditWitnesses?: readonly OutsideWitness[];
  /** Identity providers that people may sign in by. */
  readonly signOnProviders?: SignOnOptions['providers'];
  /** How secrets of authenticator apps are kept; left out: nobody can use one. */
  readonly totpSeal?: TotpSeal;
  readonly webhooks: WebhookOptions;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Attempts to sign in that an address may make within a minute; default 20. */
  readonly attemptsPerMinute?: number;
}

/** What is built after the services, because it needs them; asked when it is there. */
export interface Later {
  readonly links: () => Gateway['links'] | null;
  readonly isWatched: () => boolean;
  /** What this person was let in by is worth nothing any more. */
  readonly onLeft: (personId: string) => void;
}

type FindLink = (nodeId: string) => ReturnType<Gateway['links']['find']>;

/** Which nodes there are, how they come in, what they measure and hold. */
function createFleet(parts: ControllerParts, shared: Shared, find: FindLink) {
  const { database, identity, signer, publicUrl } = parts;
  const { clock, log } = shared;
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

  const receiptSteps = createReceiptSteps({
    ...shared,
    repository: nodesRepository,
    presence,
    controllerId: identity.controllerId,
  });
  const enrolmentRepository = createEnrolmentRepository(database);
  const joinTokens = createJoinTokensService({
    ...shared,
    repository: enrolmentRepository,
    linkKey: () => identity.key.publicText,
    publicUrl,
  });
  const enrolment = createEnrolmentService({
    ...shared,
    repository: enrolmentRepository,
    nodes: createNewNodes(nodesRepository, presence, (nodeId, code, why) => find(nodeId)?.close(code, why)),
    authorityKeys: () => signer.keys(),
  });
  const inventory = createInventoryService({ ...shared, repository: createInventoryRepository(database) });
  const selectTargets = createSelectTargets({ nodes, inventory, clock });
  return { metrics, nodes, nodeLinks, receiptSteps, presence, joinTokens, enrolment, inventory, selectTargets };
}

type Fleet = ReturnType<typeof createFleet>;

/** What is done to nodes: runs and shells, and what people have to say before. */
function createWork(
  parts: ControllerParts,
  shared: Shared,
  { nodes, metrics, inventory, selectTargets }: Fleet,
  later: Later & {
    readonly find: FindLink;
    readonly people: TrustNeeds['people'];
    readonly linkKeys: LinkKeysService;
  },
) {
  const { database, identity, signer, publicUrl } = parts;
  const { links, isWatched, find } = later;
  const actions = createActionsService(createAccountUidsRepository(database), shared.clock, inventory.customActions);
  const { controllerId } = identity;
  const waitingRuns = (): WaitingRuns => runs.waitingRuns;
  const placesOf = targetsOf(nodes);
  /** Roles may go by the labels of nodes, which the signer does not know. */
  const placed: Pick<SignerClient, 'sign'> = {
    sign: async (order, life) => {
      if (!goesByPlace(trust.bundles.current)) return signer.sign(order, life);
      const [target] = await placesOf([order.aud]);
      if (target?.kind !== 'node') return signer.sign(order, life);
      const { labels, roles } = target;
      return signer.sign(order, life, { labels, roles });
    },
  };
  const trust: ReturnType<typeof createTrust> = createTrust(shared, database, {
    controllerId,
    publicUrl,
    signer,
    waitingRuns,
    hostNames: nodes.hostNames,
    links: () => links()?.all() ?? [],
    linkKeys: later.linkKeys,
    people: later.people,
    targetsOf: placesOf,
  });
  const shells = createShells({
    ...shared,
    database,
    controllerId,
    signer: placed,
    nodes,
    approvals: trust.shellApprovals,
    findLink: find,
  });
  const windows = createWindowsService({
    ...shared,
    windows: createWindowsRepository(database),
    selectTargets,
  });
  const runs = createRuns(shared, database, {
    isWatched,
    controllerId,
    signer: placed,
    approvals: trust.runApprovals,
    actions,
    health: readHealth(nodes, metrics),
    judgeRelease: judgeRelease(nodes, later.people.rightsOf, shared.clock),
    windows,
    nodes,
    shellReceipt: (nodeId, receipt, jws, isFor) => shells.shells.receipt(nodeId, receipt, jws, isFor),
    links: {
      isOnline: (nodeId) => find(nodeId)?.isOpen ?? false,
      send: (nodeId, jws) => (find(nodeId)?.sendOrder(jws) ?? 'closed') !== 'closed',
    },
  });
  return { ...runs, ...shells, ...trust, actions, windows };
}

/** What goes on by itself: pools that are kept as they are wished, runs that start again and again. */
function createLasting(
  shared: Shared,
  database: Database,
  given: {
    readonly people: ReturnType<typeof createPeople>;
    readonly fleet: Fleet;
    readonly work: ReturnType<typeof createWork>;
    readonly find: FindLink;
  },
) {
  const { nodes, selectTargets } = given.fleet;
  const { runs, shells, actions } = given.work;
  const { clock } = shared;
  const rights = rightsOf(given.people);
  const pools = createPools(shared, database, {
    runs,
    actions,
    nodes,
    selectTargets,
    judgeRelease: judgeRelease(nodes, rights, clock),
    links: { isOnline: (nodeId) => given.find(nodeId)?.isOpen ?? false, linkOf: given.find },
  });
  const targets = createTargetSource({ nodes, runs, shells, selectTargets, pools });
  const schedules = createSchedules(shared, database, { runs, targets, actions, rightsOf: rights });
  return { targets, ...pools, ...schedules };
}

export type Services = ReturnType<typeof createServices>;

export function createServices(given: ControllerParts, later: Later) {
  const { database, log, publicUrl } = given;
  const linkKeys = new LinkKeysService({
    repository: createLinkKeysRepository(database),
    identity: given.identity,
    loadKey: given.loadLinkKey ?? (() => null),
    log,
  });
  const { identity } = linkKeys;
  const parts = { ...given, identity };
  const { links, onLeft } = later;
  const { transaction, together } = database;
  const clock = parts.clock ?? systemClock;
  const random = parts.random ?? systemRandom;
  const audit = createAudit(database, clock);
  const shared: Shared = { audit, transaction, together, clock, random, log };
  const find: FindLink = (nodeId) => links()?.find(nodeId as NodeId) ?? null;

  const people = createPeople(shared, database, publicUrl, {
    providers: parts.signOnProviders ?? [],
    onRightsChanged: onLeft,
    ...(parts.totpSeal === undefined ? {} : { totpSeal: parts.totpSeal }),
  });
  const fleet = createFleet(parts, shared, find);
  const work = createWork(parts, shared, fleet, {
    ...later,
    find,
    linkKeys,
    people: { rightsOf: rightsOf(people), prove: people.reAuthentication.prove },
  });
  const { nodes } = fleet;
  const { shells } = work;
  const refusals = createLinkRefusals(audit, clock, log);
  const requestRows = createRequestRows(audit, clock, log);
  const evidence = createAuditEvidence(shared, database, {
    identity,
    linkKeys,
    witnesses: parts.auditWitnesses ?? [],
    hostNameOf: async (nodeId) => (await nodes.hostNames([nodeId])).get(nodeId) ?? null,
    tellNodes: (jws) =>
      links()
        ?.all()
        .forEach((link) => void link.sendAuditHead(jws)),
  });
  const offboarding = people.offboardingWith({
    runs: { cancelOf: work.cancelOrders },
    shells,
    onLeft,
    leaveBundle: (person, by) => work.bundles.leave(person, by),
  });
  const lasting = createLasting(shared, database, { people, fleet, work, find });
  return {
    identity,
    offboarding,
    ...people,
    ...fleet,
    ...work,
    ...lasting,
    ...createWebhooks(shared, database, { ...parts.webhooks, selectTargets: fleet.selectTargets }),
    ...evidence,
    audit,
    requestRows,
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
