import { orderedActions } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  authorize,
  authorizeOrWait,
  type Decision,
  type Denial,
  type RouteNeed,
  type Target,
  type Use,
} from '../authorization/index.ts';
import { callerOf, type Caller } from './caller.ts';

/** Expands what a request names to nodes. An id that nobody knows is a node without labels: only `everywhere` fits it. */
export interface TargetSource {
  ofNodes(ids: readonly string[]): Promise<readonly Target[]>;
  /** Every node of the run; null when there is no such run. */
  ofRun(runId: string): Promise<readonly Target[] | null>;
  /** Every node that a selector means now; BAD_REQUEST when it cannot be read. */
  ofSelector(on: string): Promise<readonly Target[]>;
  /** Actions of a run's steps; empty when there is no such run. */
  actionsOfRun(runId: string): Promise<readonly string[]>;
  /** Every node of the pool, the fleet when it has none; null when there is no such pool. */
  ofPool(poolId: string): Promise<readonly Target[] | null>;
  /** Actions that put the pool's wished state right. */
  actionsOfPool(poolId: string): Promise<readonly string[]>;
  /** Every node of every pool that has the ban list, the fleet when there is none; null when there is no such list. */
  ofBanList(banListId: string): Promise<readonly Target[] | null>;
  /** Null when there is no such shell. */
  ofSession(
    sessionId: string,
  ): Promise<{ readonly target: Target; readonly user: string; readonly openedBy: string } | null>;
}

export interface RightOptions {
  readonly targets: TargetSource;
  readonly nowMs: () => number;
  /** For the audit log. Must not throw. */
  readonly onForbidden: (caller: Caller, request: FastifyRequest, why: Denial) => void;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Of a list: null = the caller may read everything. */
    readable: Readable | null;
    /** Of a request that names nodes: those that were judged. */
    targetNodes: readonly string[] | null;
    /** What allowed it; null: nothing was asked about a target. */
    decision: Decision | null;
  }
}

const SAYS: Readonly<Record<Denial, string>> = {
  'unknown-role': 'Your role is not known here.',
  'no-target': 'There is nothing that this could be done to.',
  'no-right': 'Your role has no right to do this.',
  'not-here': 'Your role may do this, but not there.',
  'not-as-this-user': 'Your role may not open a shell as this user; name one that it may.',
  'not-now': 'Your role may do this only at other times.',
  'needs-approval': "Your role may do this only with another person's approval, and this cannot wait for one.",
  'token-scope': 'The scope of this API token does not cover it.',
};

const forbidden = (why: Denial): HaubanError => new HaubanError('FORBIDDEN', SAYS[why]);

const textOf = (value: unknown, name: string): string => {
  const found = (value as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  return typeof found === 'string' ? found : '';
};
const listOf = (value: unknown, name: string): readonly string[] => {
  const found = (value as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  return Array.isArray(found) ? found.filter((each) => typeof each === 'string') : [];
};
const absent = (what: string): HaubanError => new HaubanError('NOT_FOUND', `There is no ${what} with this id.`);

/** The node as the body of the request would have it. */
function changed(target: Target, body: unknown): Target {
  if (target.kind === 'fleet') return target;
  const { labels, roles } = (body ?? {}) as Partial<Pick<typeof target, 'labels' | 'roles'>>;
  return { ...target, labels: labels ?? target.labels, roles: roles ?? target.roles };
}

/** Named one by one, or by a selector; of a selector that means nothing nobody can have meant a run. */
async function namedNodes(source: TargetSource, body: unknown): Promise<readonly Target[]> {
  const [named, on] = [listOf(body, 'nodes'), textOf(body, 'on')];
  if (on === '') return source.ofNodes(named);
  if (named.length > 0) throw new HaubanError('BAD_REQUEST', 'Say where in one way: either nodes or on.');
  const targets = await source.ofSelector(on);
  if (targets.length === 0) throw new HaubanError('BAD_REQUEST', 'The selector means no node now.');
  return targets;
}

/** What becomes of a ban list on its nodes. */
const BAN_LIST_ACTIONS = ['state.apply', 'firewall.set-list'];

/** Every action that the request is about; each is judged. */
async function namedActions(
  source: TargetSource,
  { on }: RouteNeed,
  { params, body }: Pick<FastifyRequest, 'params' | 'body'>,
): Promise<readonly string[]> {
  if (on === 'run') return source.actionsOfRun(textOf(params, 'runId'));
  if (on === 'ban-list') return BAN_LIST_ACTIONS;
  const known = on === 'pool' ? await source.actionsOfPool(textOf(params, 'poolId')) : [];
  const { steps } = (body ?? {}) as { readonly steps?: unknown };
  const ofSteps = Array.isArray(steps) ? steps.flatMap(actionsIn) : [];
  const single = actionsIn(body);
  const hasSingle = single[0] !== '';
  return [...known, ...(hasSingle || ofSteps.length + known.length === 0 ? single : []), ...ofSteps];
}

/** The action that is named, and those of its items. */
function actionsIn(named: unknown): readonly string[] {
  const { args } = (named ?? {}) as { readonly args?: unknown };
  return orderedActions(textOf(named, 'action'), args).map(({ action }) => action);
}

/** Whoever asks not to wait for maintenance windows needs a right of its own, on the same nodes. */
const overridesWindows = (body: unknown): boolean =>
  (body as { readonly overrideWindows?: unknown } | null | undefined)?.overrideWindows === true;

type Asked = Pick<Use, 'targets' | 'user' | 'openedBy'>;

/** Nodes that a request concerns, all of them, before any is judged. */
async function expand(
  source: TargetSource,
  { right, on }: RouteNeed,
  request: Pick<FastifyRequest, 'params' | 'body'>,
): Promise<Asked> {
  const { params, body } = request;
  switch (on) {
    case 'node': {
      const user = textOf(body, 'user');
      const targets = await source.ofNodes([textOf(params, 'nodeId')]);
      // Nobody moves a node out of the own reach, or into it from outside: before and after are both judged.
      const judged = right === 'edit-node' ? [...targets, ...targets.map((target) => changed(target, body))] : targets;
      return { targets: judged, user: user === '' ? null : user };
    }
    case 'nodes':
      return { targets: await namedNodes(source, body) };
    case 'run': {
      const targets = await source.ofRun(textOf(params, 'runId'));
      if (targets === null) throw absent('run');
      return { targets };
    }
    case 'pool': {
      const targets = await source.ofPool(textOf(params, 'poolId'));
      if (targets === null) throw absent('pool');
      return { targets };
    }
    case 'ban-list': {
      const targets = await source.ofBanList(textOf(params, 'banListId'));
      if (targets === null) throw absent('ban list');
      return { targets };
    }
    case 'session': {
      const session = await source.ofSession(textOf(params, 'sessionId'));
      if (session === null) throw absent('shell');
      return { targets: [session.target], user: session.user, openedBy: session.openedBy };
    }
    case 'fleet':
    case 'list':
      return { targets: [{ kind: 'fleet' }] };
  }
}

interface Judged {
  readonly rules: ReadonlySet<string>;
  readonly waits: boolean;
}

/** The rules that allow all of it, or the first thing that does not. */
function judgeAll({ grant }: Caller, uses: readonly Use[], approval: RouteNeed['approval']): Judged | Denial {
  const rules = new Set<string>();
  let waits = false;
  for (const use of uses) {
    const verdict =
      approval === 'waits'
        ? authorizeOrWait(grant, use)
        : authorize(grant, approval === undefined ? use : { ...use, approvedBy: approval });
    if ('why' in verdict) return verdict.why;
    waits ||= 'waits' in verdict;
    rules.add(verdict.rule);
  }
  return rules.size === 0 ? 'no-right' : { rules, waits };
}

/** Runs before the handler, when path and body are known to fit their schemas: may this person do it to every target? */
export function requireRight(app: FastifyInstance, options: RightOptions): void {
  app.decorateRequest('readable', null);
  app.decorateRequest('targetNodes', null);
  app.decorateRequest('decision', null);
  app.addHook('preHandler', async (request) => {
    const needs = request.routeOptions.config.needs;
    if (needs === undefined || needs === 'none') return undefined;
    const caller = callerOf(request);
    // Lists: the handler leaves out what the caller may not read.
    if (needs.on === 'list') return void (request.readable = readableBy(caller, options));
    const asked = await expand(options.targets, needs, request);
    const use = { kind: 'use', right: needs.right, ...asked, at: options.nowMs() } as const;
    const uses: readonly Use[] =
      needs.right === 'action'
        ? (await namedActions(options.targets, needs, request)).map((action) => ({ ...use, action }))
        : [use];
    const all = overridesWindows(request.body) ? [...uses, { ...use, right: 'override-window' as const }] : uses;
    const judged = judgeAll(caller, all, needs.approval);
    if (typeof judged === 'string') {
      options.onForbidden(caller, request, judged);
      throw forbidden(judged);
    }
    const decision = { role: caller.role, rule: [...judged.rules].join(', ') };
    request.decision = judged.waits ? { ...decision, needsApproval: true } : decision;
    request.targetNodes = asked.targets.flatMap((target) => (target.kind === 'node' ? [target.id] : []));
    return undefined;
  });
}

/** Leaves out of a list what the caller may not read: of these nodes, those that the caller may. */
export type Readable = (nodeIds: readonly string[]) => Promise<ReadonlySet<string>>;

/** Null: everything may be read. */
export function readableBy(
  { grant }: Pick<Caller, 'grant'>,
  { targets, nowMs }: Pick<RightOptions, 'targets' | 'nowMs'>,
): Readable | null {
  const at = nowMs();
  const isReadable = (target: Target): boolean =>
    authorize(grant, { kind: 'use', right: 'read', targets: [target], at }).allowed;
  if (isReadable({ kind: 'fleet' })) return null;
  return async (nodeIds) => {
    const found = await targets.ofNodes([...new Set(nodeIds)]);
    return new Set(found.flatMap((target) => (target.kind === 'node' && isReadable(target) ? [target.id] : [])));
  };
}

/** The nodes of a request that names them, as they were judged: a selector is resolved once. */
export function targetNodesOf(request: FastifyRequest): readonly string[] {
  const { needs } = request.routeOptions.config;
  if (typeof needs !== 'object' || needs.on !== 'nodes' || request.targetNodes === null) {
    throw new HaubanError('INTERNAL', 'a route that names no nodes asked which were judged');
  }
  return request.targetNodes;
}

/** What allowed a request that was judged on its targets. */
export function decisionOf(request: FastifyRequest): Decision {
  if (request.decision === null)
    throw new HaubanError('INTERNAL', 'a route that was not judged asked why it was allowed');
  return request.decision;
}

/** What the caller of a list may read. Only for routes that say so: `needs` on `list`. */
export function readableOf(request: FastifyRequest): Readable | null {
  const { needs } = request.routeOptions.config;
  if (typeof needs !== 'object' || needs.on !== 'list') {
    throw new HaubanError('INTERNAL', 'a route that is no list asked what may be left in');
  }
  return request.readable;
}
