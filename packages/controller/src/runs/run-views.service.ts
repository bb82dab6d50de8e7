import { sha256Hex } from '@hauban/link';
import { countOf } from '@hauban/shared/actions';
import type { FailureGroup, MergedPlan, PlanGroup, RunGrid, RunTargetPage, RunTargetQuery } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import { normaliseDetail } from './failure-cause.ts';
import type { OpenOrders } from './open-orders.ts';
import { gridOf } from './run-grid.ts';
import { toPlan, toRunTarget } from './run-row.ts';
import type { RunViewsRepository, TargetPlace } from './run-views.repository.ts';

export interface RunViewsParts {
  readonly views: RunViewsRepository;
  readonly open: OpenOrders;
  readonly nodes: { hostNames(ids: readonly string[]): Promise<ReadonlyMap<string, string>> };
}

const PAGE = 200;
const MOST_NODES = 20;
const MOST_GROUPS = 200;
const MOST_TITLES = 3;

const placeText = ({ nodeId, position, orderId }: TargetPlace): string => `${nodeId}.${position}.${orderId}`;

function parsePlace(cursor: string | undefined): TargetPlace | null {
  if (cursor === undefined) return null;
  const id = '([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})';
  const match = new RegExp(`^${id}\\.(\\d{1,3})\\.${id}$`).exec(cursor);
  if (match === null) throw new HaubanError('BAD_REQUEST', 'cursor is not one of this list.');
  return { nodeId: match[1] ?? '', position: Number(match[2]), orderId: match[3] ?? '' };
}

type Ending = Awaited<ReturnType<RunViewsRepository['failures']>>[number];
interface Cause extends Pick<FailureGroup, 'cause' | 'says'> {
  readonly first: Ending;
  readonly members: Ending[];
}

/** What its node says; of one that was harmed later, how. */
const wordsOf = ({ harm, detail }: Ending): string => harm ?? detail;

/** By state, code and sentence, the most frequent first. */
function groupCauses(endings: readonly Ending[], names: ReadonlyMap<string, string>): Cause[] {
  const causes = new Map<string, Cause>();
  for (const ending of endings) {
    const { state, code, harm, nodeId } = ending;
    const says = normaliseDetail(wordsOf(ending), names.get(nodeId) ?? '');
    const cause = sha256Hex(JSON.stringify([harm === null ? state : 'harmed', code, says])).slice(0, 16);
    const known = causes.get(cause);
    if (known === undefined) causes.set(cause, { cause, says, first: ending, members: [ending] });
    else known.members.push(ending);
  }
  return [...causes.values()].toSorted((a, b) => b.members.length - a.members.length);
}

type PlanEnding = Awaited<ReturnType<RunViewsRepository['plans']>>[number];
interface PlanKind {
  readonly kind: PlanGroup['kind'];
  readonly hash: string | null;
  readonly says: string;
}

/**
 * What a node's plan came to.
 * @param why it has none: its own words, or those of the group
 */
function planKind({ state, finishedAt, hash, code }: PlanEnding, why: string): PlanKind {
  if (finishedAt === null) return { kind: 'pending', hash: null, says: 'no plan yet' };
  if (state === 'unchanged') return { kind: 'nothing', hash, says: 'nothing to do' };
  if (state === 'succeeded') return { kind: 'changes', hash, says: '' };
  if (state === 'refused') return { kind: 'refused', hash: null, says: `refused, ${why || (code ?? state)}` };
  return { kind: 'failed', hash: null, says: `${state}, ${why || (code ?? state)}` };
}

interface Gathered extends PlanKind {
  readonly position: number;
  readonly first: PlanEnding;
  readonly members: PlanEnding[];
}

function gatherPlans(endings: readonly PlanEnding[], names: ReadonlyMap<string, string>): Gathered[] {
  const groups = new Map<string, Gathered>();
  for (const ending of endings) {
    const { position, detail, nodeId } = ending;
    const kind = planKind(ending, normaliseDetail(detail, names.get(nodeId) ?? ''));
    const key = JSON.stringify([position, kind]);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { ...kind, position, first: ending, members: [ending] });
    else known.members.push(ending);
  }
  return [...groups.values()].toSorted((a, b) => a.position - b.position || b.members.length - a.members.length);
}

/** "create user w4a100010, write a file and 3 more changes" */
function titlesOf(plan: PlanGroup['plan']): string {
  const titles = (plan?.changes ?? []).map(({ title }) => title);
  const shown = titles.slice(0, MOST_TITLES).join(', ');
  const more = titles.length - MOST_TITLES;
  if (titles.length === 0) return 'nothing to do';
  return more > 0 ? `${shown} and ${more} more` : shown;
}

/** The first of them by their names: a person looks for one in it. */
const someNodes = (members: readonly { readonly nodeId: string }[], names: ReadonlyMap<string, string>) =>
  members
    .map(({ nodeId }) => ({ nodeId, hostName: names.get(nodeId) ?? nodeId }))
    .toSorted((a, b) => (a.hostName < b.hostName ? -1 : 1))
    .slice(0, MOST_NODES);

/** The sentence of a cause; where no node says it in other words, with its numbers and names. */
const sentenceOf = ({ says, first, members }: Cause): string =>
  members.every((ending) => wordsOf(ending) === wordsOf(first)) ? wordsOf(first) : says;

/** The same for plans. */
const planSentenceOf = ({ says, first, members }: Gathered): string =>
  members.every(({ detail }) => detail === first.detail) ? planKind(first, first.detail).says : says;

/** The plans of a run as one. */
function createPlanView(views: RunViewsRepository, nodes: RunViewsParts['nodes']) {
  return async (runId: string): Promise<MergedPlan> => {
    const endings = await views.plans(runId);
    const names = await nodes.hostNames(endings.map(({ nodeId }) => nodeId));
    const groups = gatherPlans(endings, names).slice(0, MOST_GROUPS);
    const plans = await views.plansOf(groups.map(({ first }) => first.orderId));
    return {
      isComplete: endings.every(({ finishedAt }) => finishedAt !== null),
      groups: groups.map((group) => {
        const { kind, position, hash, first, members } = group;
        const plan = hash === null ? null : toPlan(plans.get(first.orderId));
        const what = kind === 'changes' ? titlesOf(plan) : planSentenceOf(group);
        const count = members.length;
        return {
          kind,
          position,
          hash,
          says: `${countOf(count, 'node')}: ${what}`,
          count,
          plan,
          nodes: someNodes(members, names),
        };
      }),
    };
  };
}

/** A run of thousands of nodes as people read it. */
export function createRunViews({ views, open, nodes }: RunViewsParts) {
  const causesOf = async (runId: string): Promise<{ causes: Cause[]; names: ReadonlyMap<string, string> }> => {
    const endings = await views.failures(runId);
    const names = await nodes.hostNames(endings.map(({ nodeId }) => nodeId));
    return { causes: groupCauses(endings, names), names };
  };

  return {
    targets: async (runId: string, query: RunTargetQuery): Promise<RunTargetPage> => {
      const limit = query.limit ?? PAGE;
      const { state, wave, nodeId, cause } = query;
      const found =
        cause === undefined ? undefined : (await causesOf(runId)).causes.find((each) => each.cause === cause);
      const orderIds = cause === undefined ? undefined : (found?.members ?? []).map(({ orderId }) => orderId);
      const records = await views.page(runId, {
        ...(state === undefined ? {} : { state }),
        ...(wave === undefined ? {} : { wave }),
        ...(nodeId === undefined ? {} : { nodeId }),
        ...(orderIds === undefined ? {} : { orderIds }),
        after: parsePlace(query.cursor),
        limit,
      });
      const names = await nodes.hostNames(records.map(({ nodeId }) => nodeId));
      const last = records.length < limit ? undefined : records.at(-1);
      return {
        targets: records.map((target) =>
          toRunTarget(target, names.get(target.nodeId) ?? target.nodeId, open.momentOf(target.orderId)),
        ),
        cursor: last === undefined ? null : placeText(last),
      };
    },
    /** @param withNodes names, too: the nodes of a run stay the same */
    grid: async (runId: string, withNodes: boolean): Promise<RunGrid> => {
      const grid = gridOf(await views.grid(runId), (orderId) => open.momentOf(orderId)?.state ?? null);
      const states = { legend: grid.legend, states: grid.states };
      if (!withNodes) return states;
      const names = await nodes.hostNames(grid.nodes.map(({ id }) => id));
      return {
        ...states,
        nodes: grid.nodes.map(({ id, wave }) => ({ id, wave, hostName: names.get(id) ?? id })),
      };
    },
    /** Orders of one cause of failure. */
    ordersOfCause: async (runId: string, cause: string): Promise<ReadonlySet<string>> => {
      const found = (await causesOf(runId)).causes.find((each) => each.cause === cause);
      return new Set(found?.members.map(({ orderId }) => orderId));
    },
    failures: async (runId: string): Promise<FailureGroup[]> => {
      const { causes, names } = await causesOf(runId);
      return causes.slice(0, MOST_GROUPS).map((group) => ({
        cause: group.cause,
        says: sentenceOf(group),
        state: group.first.state,
        code: group.first.code,
        example: wordsOf(group.first),
        count: group.members.length,
        nodes: someNodes(group.members, names),
      }));
    },
    plan: createPlanView(views, nodes),
  };
}

export type RunViews = ReturnType<typeof createRunViews>;
