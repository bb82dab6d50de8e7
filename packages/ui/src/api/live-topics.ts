import type { LiveRequest } from '@hauban/shared/api';

/** What is watched: topics with the number of their watchers and, for nodes, the series that each of them wants. */
export interface Topics {
  /** Counts one watcher more; the result takes it away again. `changed` sends what the server has to know. */
  readonly add: (subject: Subject) => () => void;
  /** Everything that has to be asked for on a new connection. */
  readonly requests: () => LiveRequest[];
  /** What the server forgets unless it is repeated. */
  readonly renewals: () => LiveRequest[];
}

export type Subject =
  | { readonly kind: 'fleet' }
  | { readonly kind: 'node'; readonly nodeId: string; readonly series: readonly string[] }
  | { readonly kind: 'run'; readonly runId: string };

/** As the contract limits it. */
const MAX_SERIES = 200;

const keyOf = (subject: Subject): string =>
  subject.kind === 'node' ? `node ${subject.nodeId}` : subject.kind === 'run' ? `run ${subject.runId}` : 'fleet';

function requestOf(watchers: readonly Subject[]): LiveRequest | null {
  const [first] = watchers;
  if (first === undefined) return null;
  if (first.kind === 'fleet') return { t: 'watch-fleet' };
  if (first.kind === 'run') return { t: 'watch-run', runId: first.runId };
  const series = new Set(watchers.flatMap((subject) => (subject.kind === 'node' ? subject.series : [])));
  return { t: 'watch-node', nodeId: first.nodeId, series: [...series].slice(0, MAX_SERIES) };
}

function endOf(subject: Subject): LiveRequest | null {
  if (subject.kind === 'node') return { t: 'unwatch-node', nodeId: subject.nodeId };
  return subject.kind === 'run' ? { t: 'unwatch-run', runId: subject.runId } : null;
}

export function createTopics(send: (request: LiveRequest) => void): Topics {
  const topics = new Map<string, Subject[]>();
  const all = (): LiveRequest[] => [...topics.values()].map(requestOf).filter((request) => request !== null);

  return {
    add(subject) {
      const key = keyOf(subject);
      const mine = { ...subject };
      topics.set(key, [...(topics.get(key) ?? []), mine]);
      const request = requestOf(topics.get(key) ?? []);
      if (request !== null) send(request);
      return () => {
        const watchers = topics.get(key) ?? [];
        if (!watchers.includes(mine)) return;
        const left = watchers.filter((each) => each !== mine);
        if (left.length > 0) {
          topics.set(key, left);
          return;
        }
        topics.delete(key);
        const end = endOf(subject);
        if (end !== null) send(end);
      };
    },
    requests: all,
    renewals: () => all().filter((request) => request.t === 'watch-node'),
  };
}
