import type { SessionPage, SessionQuery, SessionRow } from '@hauban/shared/api';
import type { SessionView, ShellsRepository } from './shells.repository.ts';

const PAGE = 100;
const CURSOR = /^(\d{1,15})_([0-9a-f-]{36})$/;

/** What people see of a session. */
export function toSessionRow(view: SessionView, hostName: string): SessionRow {
  const { id, nodeId, login, openedBy, state, detail, requestedAt, endedAt, recording } = view;
  const problem = recording?.problem ?? null;
  return {
    id,
    nodeId,
    hostName,
    user: login,
    openedBy,
    state,
    detail: problem === null ? detail : `${detail} Recording: ${problem}.`.trim(),
    requestedAt,
    endedAt,
    chunks: recording?.chunks ?? 0,
    outputBytes: recording?.outputBytes ?? 0,
    durationMs: recording === null ? 0 : recording.lastAt - recording.firstAt,
    recording: recording?.state ?? 'none',
  };
}

/** Sessions newest first, page by page. @param which isRecorded: only those with a recording */
export async function listSessions(
  repository: ShellsRepository,
  hostNames: (nodeIds: readonly string[]) => Promise<ReadonlyMap<string, string>>,
  query: SessionQuery,
  which: {
    readonly isRecorded: boolean;
    /** Of these nodes, those that the reader may see; null: all. */
    readonly readable: ((nodeIds: readonly string[]) => Promise<ReadonlySet<string>>) | null;
  },
): Promise<SessionPage> {
  const cursor = CURSOR.exec(query.cursor ?? '');
  const limit = query.limit ?? PAGE;
  const views = await repository.list({
    ...(query.nodeId === undefined ? {} : { nodeId: query.nodeId }),
    ...(query.openedBy === undefined ? {} : { openedBy: query.openedBy }),
    ...(query.open === undefined ? {} : { isOpen: query.open }),
    isRecorded: which.isRecorded,
    before: cursor === null ? null : { requestedAt: Number(cursor[1]), id: cursor[2] ?? '' },
    limit,
  });
  const seen = which.readable === null ? null : await which.readable(views.map(({ nodeId }) => nodeId));
  const names = await hostNames(views.map(({ nodeId }) => nodeId));
  const last = views.length < limit ? undefined : views.at(-1);
  return {
    sessions: views
      .filter(({ nodeId }) => seen === null || seen.has(nodeId))
      .map((view) => toSessionRow(view, names.get(view.nodeId) ?? '')),
    cursor: last === undefined ? null : `${last.requestedAt}_${last.id}`,
  };
}
