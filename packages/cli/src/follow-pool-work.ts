import type { PoolDetail, PoolWorkRow } from '@hauban/shared/api';
import type { ApiClient } from './api-client.ts';
import { CliError } from './cli-error.ts';
import type { Context } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { plainLine } from './plain-text.ts';

const LOOK_MS = 1_000;

/** Until the next look, or until somebody leaves. */
const pause = async (left: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      left.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, LOOK_MS);
    left.addEventListener('abort', end);
  });

/**
 * Waits until these works are over; tells on standard error what each node does meanwhile. Ctrl-C leaves them: they go
 * on. The controller lists the newest 200 works of a pool: one that it lists no more is not waited for.
 */
export async function followPoolWork(
  context: Context,
  api: ApiClient,
  pool: PoolDetail,
  begun: readonly PoolWorkRow[],
): Promise<readonly PoolWorkRow[]> {
  const left = new AbortController();
  const forget = context.terminal.onInterrupt(() => left.abort());
  const hosts = new Map(pool.members.map(({ nodeId, hostName }) => [nodeId, plainLine(hostName)]));
  let works = begun;
  try {
    while (works.some(({ finishedAt }) => finishedAt === null)) {
      await pause(left.signal);
      left.signal.throwIfAborted();
      const listed = await api.get<PoolWorkRow[]>(`/api/pools/${pool.id}/work`, {}, left.signal);
      const now = new Map(listed.map((work) => [work.id, work]));
      const before = new Map(works.map((work) => [work.id, work.says]));
      works = works.flatMap((work) => now.get(work.id) ?? (work.finishedAt === null ? [] : [work]));
      for (const { id, nodeId, says } of works)
        if (context.terminal.isInteractive && before.get(id) !== says)
          context.terminal.err(`${hosts.get(nodeId) ?? nodeId}: ${plainLine(says)}`);
    }
    return works;
  } catch (error) {
    if (!left.signal.aborted) throw error;
    const says = `It goes on. See how it stands with: hauban pool show ${plainLine(pool.name)}`;
    throw new CliError(EXIT.detached, 'DETACHED', says);
  } finally {
    forget();
  }
}
