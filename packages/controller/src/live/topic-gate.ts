import type { LiveRequest } from '@hauban/shared/api';
import type { Readable } from '../http/index.ts';
import type { LiveSources } from './live-sources.ts';

/** What a page may watch: asked when a topic begins, and again when a node has changed. */
export interface TopicGate {
  /** Requests that are being judged; they count as topics. */
  readonly size: number;
  /** Calls `allowed` when every node that the topic tells of may be read. */
  begin(request: LiveRequest, allowed: () => void): void;
  changed(nodeId: string, judged: (isReadable: boolean) => void): void;
  /** The page is gone: nothing is called any more. */
  end(): void;
}

/** A run that does not exist has no node, and is refused. */
async function mayBegin(request: LiveRequest, sources: LiveSources, readable: Readable): Promise<boolean> {
  if (request.t !== 'watch-node' && request.t !== 'watch-run') return true;
  const ids = request.t === 'watch-node' ? [request.nodeId] : ((await sources.nodesOfRun(request.runId)) ?? []);
  const seen = await readable(ids);
  return ids.length > 0 && ids.every((id) => seen.has(id));
}

/** @param readable null: this person may read everything, and nothing has to be asked */
export function createTopicGate(
  sources: LiveSources,
  readable: Readable | null,
  refuse: (code: 'FORBIDDEN' | 'UNAVAILABLE', detail: string) => void,
): TopicGate {
  let size = 0;
  let isOver = false;
  const unreadable = (): void => refuse('UNAVAILABLE', 'Your rights could not be read; try again.');

  return {
    get size() {
      return size;
    },
    begin: (request, allowed) => {
      if (readable === null) return allowed();
      size += 1;
      mayBegin(request, sources, readable)
        .then((isAllowed) => {
          if (isOver) return undefined;
          return isAllowed ? allowed() : refuse('FORBIDDEN', 'Your role may not read this.');
        })
        .catch(unreadable)
        .finally(() => (size -= 1));
      return undefined;
    },
    changed: (nodeId, judged) => {
      if (readable === null) return judged(true);
      readable([nodeId])
        .then((seen) => (isOver ? undefined : judged(seen.has(nodeId))))
        .catch(unreadable);
      return undefined;
    },
    end: () => {
      isOver = true;
    },
  };
}
