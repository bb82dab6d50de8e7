import type { BanAnswer, FoundBan } from '../actions/index.ts';
import type { RunTarget } from './runs.ts';

/**
 * "Why is this address banned, and where": the answers of all nodes to one run of firewall.explain, as the page and the
 * command line show them. What a node answers is foreign until it has been read here.
 */

/** The action that asks, and the one that lifts. */
export const BAN_SEARCH_ACTION = 'firewall.explain';
export const BAN_LIFT_ACTION = 'firewall.unban';
/** A node that is away has so long to come back and answer: somebody is on the telephone. */
export const BAN_SEARCH_WITHIN_MS = 5_000;

const SOURCES: readonly string[] = ['hauban', 'fail2ban', 'crowdsec'];
/** Of one node; a node that is not ours any more may answer with anything. */
const MOST_BANS = 50;

const asFields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= 500;
const isNumberOrNull = (value: unknown): value is number | null => value === null || Number.isFinite(value);

/** Times that a date can hold. */
const LAST_MS = 8.64e15;
const isTimeOrNull = (value: unknown): value is number | null =>
  isNumberOrNull(value) && (value === null || Math.abs(value) <= LAST_MS);

function parseBan(value: unknown): FoundBan | null {
  const { source, target, where, reason, since, until, packets } = asFields(value);
  if (!isText(source) || !SOURCES.includes(source)) return null;
  if (!isText(target) || !isText(where) || !isText(reason)) return null;
  if (!isTimeOrNull(since) || !isTimeOrNull(until) || !isNumberOrNull(packets)) return null;
  return { source: source as FoundBan['source'], target, where, reason, since, until, packets };
}

/** What one node says; null: it is no such answer. */
export function parseBanAnswer(data: unknown): BanAnswer | null {
  const { address, bans, never, sources, connections } = asFields(data);
  if (!isText(address) || !Array.isArray(bans) || !Array.isArray(sources)) return null;
  const parsed = bans.slice(0, MOST_BANS).map(parseBan);
  if (parsed.includes(null)) return null;
  const { target, why } = asFields(never);
  return {
    address,
    bans: parsed.filter((ban) => ban !== null),
    never: isText(target) && isText(why) ? { target, why } : null,
    sources: sources.slice(0, SOURCES.length).flatMap((entry) => {
      const { source, state, detail } = asFields(entry);
      const isKnown = (source === 'fail2ban' || source === 'crowdsec') && isText(detail);
      return isKnown && (state === 'asked' || state === 'absent' || state === 'silent')
        ? [{ source, state, detail }]
        : [];
    }),
    connections: Number.isSafeInteger(connections) && Number(connections) >= 0 ? Number(connections) : null,
  };
}

/** One node that could not say. */
export interface SilentNode {
  readonly nodeId: string;
  readonly hostName: string;
  readonly detail: string;
}

/** One node that has TCP connections with the address open now, banned there or not. */
export interface ConnectedNode {
  readonly nodeId: string;
  readonly hostName: string;
  readonly count: number;
}

export interface BanSearch {
  /** Nodes on which it is banned. */
  readonly found: readonly { readonly nodeId: string; readonly hostName: string; readonly answer: BanAnswer }[];
  /** Nodes that answered and know of no ban; some of them may be unsure, too. */
  readonly clear: number;
  /** Not connected in time: nobody knows what they do. */
  readonly away: readonly SilentNode[];
  /** They refused, failed, or could not ask everybody who bans there. */
  readonly unsure: readonly SilentNode[];
  /** No answer yet. */
  readonly open: readonly SilentNode[];
  /** Most first. */
  readonly connected: readonly ConnectedNode[];
  /** Nodes that counted their connections; older ones do not. */
  readonly counted: number;
}

const OPEN: ReadonlySet<RunTarget['state']> = new Set(['waiting', 'queued', 'leased', 'delivered', 'started']);
const ANSWERED: ReadonlySet<RunTarget['state']> = new Set(['succeeded', 'unchanged']);

export function summariseBans(targets: readonly RunTarget[]): BanSearch {
  const found: { nodeId: string; hostName: string; answer: BanAnswer }[] = [];
  const [away, unsure, open]: [SilentNode[], SilentNode[], SilentNode[]] = [[], [], []];
  const connected: ConnectedNode[] = [];
  let [clear, counted] = [0, 0];
  for (const { nodeId, hostName, state, detail, data } of targets) {
    const node = { nodeId, hostName };
    const answer = ANSWERED.has(state) ? parseBanAnswer(data) : null;
    if (OPEN.has(state)) open.push({ ...node, detail });
    else if (state === 'expired') away.push({ ...node, detail });
    else if (answer === null) unsure.push({ ...node, detail });
    else {
      if (answer.bans.length > 0) found.push({ ...node, answer });
      else clear += 1;
      if (answer.connections !== null) counted += 1;
      if (answer.connections !== null && answer.connections > 0) connected.push({ ...node, count: answer.connections });
      const silent = answer.sources.find((source) => source.state === 'silent');
      if (silent !== undefined) unsure.push({ ...node, detail: `${silent.source}: ${silent.detail}` });
    }
  }
  connected.sort((a, b) => b.count - a.count || (a.hostName < b.hostName ? -1 : 1));
  return { found, clear, away, unsure, open, connected, counted };
}

/** What has to be lifted, and where: the address itself first, then the prefixes that it lies in. */
export function liftOf({ found }: BanSearch): { readonly targets: string[]; readonly nodes: string[] } {
  const targets = new Set(found.flatMap(({ answer }) => answer.bans.map(({ target }) => target)));
  return {
    targets: [...targets].toSorted((a, b) => Number(a.includes('/')) - Number(b.includes('/')) || (a < b ? -1 : 1)),
    nodes: found.map(({ nodeId }) => nodeId),
  };
}
