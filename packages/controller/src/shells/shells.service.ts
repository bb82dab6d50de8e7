/**
 * Shells on nodes: who asked for one, the signed permit, who may look, how it ended. The bytes go through `shell-hub.ts`;
 * what was recorded is the recordings' room. May not know sockets or SQL.
 */
import type { SessionPage, SessionQuery, SessionRow, ShellRequest } from '@hauban/shared/api';
import { HaubanError, isErrorCode } from '@hauban/shared/errors';
import {
  parseSessionId,
  parseShellExit,
  SHELL_OPS,
  type NodeId,
  type Receipt,
  type ShellEnding,
  type ShellFrame,
} from '@hauban/shared/protocol';
import type { Tx } from '../db/transaction.ts';
import type { LeftShell } from '../people/offboard.service.ts';
import { startBeat, type Beat, type Log } from '../runtime/index.ts';
import { listSessions, toSessionRow } from './list-sessions.ts';
import { ShellHub, type ConnectedViewer, type ShellLink, type ShellViewer } from './shell-hub.ts';
import { exitOf, ShellLedger, type LedgerParts } from './shell-ledger.ts';
import { PERMIT_MS, ShellOpening, type OpeningParts, type ShellRequester } from './shell-opening.ts';
import type { SessionRecord } from './shells.repository.ts';

export type { ShellRequester } from './shell-opening.ts';

export interface ShellsParts extends Omit<LedgerParts, 'refused' | 'ended'>, Omit<OpeningParts, 'ledger' | 'findLink'> {
  readonly log: Log;
  readonly hostNames: (nodeIds: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  readonly findLink: (nodeId: string) => (ShellLink & { sendOrder(jws: string): 'sent' | 'stop' | 'closed' }) | null;
}

interface LinkOf {
  readonly nodeId: NodeId;
  readonly session: string;
}

/** Of these nodes, those that the reader may see. */
type Readable = (nodeIds: readonly string[]) => Promise<ReadonlySet<string>>;

/** Why somebody cannot attach to a session. */
export type NotAttachable = 'unknown' | 'forbidden' | 'over';

const SWEEP_MS = 30_000;
/** How often an end that is waited for is looked for. */
const LOOK_AGAIN_MS = 100;
/** An open shell that the node no longer names gets this long for its last chunk, which says how it ended. */
const MISSING_MS = 60_000;

export class ShellsService {
  readonly #parts: ShellsParts;
  readonly #hub: ShellHub;
  readonly #ledger: ShellLedger;
  readonly #opening: ShellOpening;
  /** Open sessions that a node no longer names, and since when. */
  readonly #missing = new Map<string, number>();
  #beat: Beat | null = null;

  constructor(parts: ShellsParts) {
    this.#parts = parts;
    this.#hub = new ShellHub(parts.findLink);
    this.#ledger = new ShellLedger({
      ...parts,
      refused: (session, code, detail) => this.#opening.answered(session, { ok: false, code, detail }),
      ended: (session, exit) => {
        this.#missing.delete(session);
        this.#hub.ended(session, exit);
      },
    });
    this.#opening = new ShellOpening({ ...parts, ledger: this.#ledger });
  }

  /** Asks the node for a shell and waits until it has started or refused it. */
  async open(nodeId: string, request: ShellRequest, requester: ShellRequester): Promise<{ sessionId: string }> {
    return await this.#opening.open(nodeId, request, requester);
  }

  async list(query: SessionQuery, readable: Readable | null = null): Promise<SessionPage> {
    return await listSessions(this.#parts.repository, this.#parts.hostNames, query, { isRecorded: false, readable });
  }

  async listRecorded(query: SessionQuery, readable: Readable | null = null): Promise<SessionPage> {
    return await listSessions(this.#parts.repository, this.#parts.hostNames, query, { isRecorded: true, readable });
  }

  /** One session and how far its recording has come. */
  async detail(id: string): Promise<SessionRow> {
    const view = await this.#parts.repository.view(id);
    if (view === null) throw new HaubanError('NOT_FOUND', 'There is no shell with this id.');
    const names = await this.#parts.hostNames([view.nodeId]);
    return toSessionRow(view, names.get(view.nodeId) ?? '');
  }

  async find(id: string): Promise<SessionRecord | null> {
    return await this.#parts.repository.find(id);
  }

  /** The session for somebody who wants to attach: knowing its id is no right. @param mayAttach what the role says */
  async findForViewer(
    id: string,
    mayAttach: (session: SessionRecord) => Promise<boolean>,
  ): Promise<NotAttachable | SessionRecord> {
    const session = parseSessionId(id) === null ? null : await this.#parts.repository.find(id);
    if (session === null) return 'unknown';
    if (!(await mayAttach(session))) return 'forbidden';
    if (session.endingAt !== null) return 'over';
    return session.state === 'open' || session.state === 'requested' ? session : 'over';
  }

  /** Marks this person's shells as ending; when that is committed, the nodes are told, now or as soon as they are back. */
  async endOf(tx: Tx, personId: string): Promise<readonly LeftShell[]> {
    const { repository, clock } = this.#parts;
    const marked = await repository.markEnding(tx, personId, clock.nowMs());
    tx.afterCommit(() => {
      for (const { id, nodeId } of marked) this.#hub.close(id, nodeId);
    });
    return marked.map(({ id, nodeId, login: user }) => ({ id, nodeId, user }));
  }

  async hostNames(nodeIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return await this.#parts.hostNames(nodeIds);
  }

  /** Those of them that have ended, when all have or after this time. */
  async whenEnded(ids: readonly string[], withinMs: number): Promise<ReadonlySet<string>> {
    const { repository, clock } = this.#parts;
    const deadline = clock.monotonicMs() + withinMs;
    for (;;) {
      const ended = await repository.settledAmong(ids);
      if (ended.length === ids.length || clock.monotonicMs() >= deadline) return new Set(ended);
      await new Promise<void>((resolve) => void clock.after(LOOK_AGAIN_MS, resolve));
    }
  }

  connect(session: string, nodeId: string, viewer: ShellViewer): ConnectedViewer {
    return this.#hub.connect(session, nodeId, viewer);
  }

  /** The last chunk of its recording has come. */
  async recordingEnded(id: string, ending: ShellEnding, at: number): Promise<void> {
    const detail = ending === 'crashed' ? 'The shell was ended from outside.' : 'The shell has ended.';
    await this.#ledger.end(id, exitOf(ending, detail), at);
  }

  async receipt(nodeId: string, receipt: Receipt, jws: string, isFor: (at: number) => boolean): Promise<boolean> {
    return await this.#ledger.receipt(nodeId, receipt, jws, isFor);
  }

  async opened(link: LinkOf, id: string): Promise<void> {
    if (!(await this.#ledger.open(link.nodeId, id))) return;
    this.#missing.delete(id);
    this.#opening.answered(id, { ok: true });
    this.#hub.opened(link.nodeId, id);
    const session = await this.#parts.repository.find(id);
    if (session !== null && session.endingAt !== null) this.#hub.close(id, link.nodeId);
  }

  async refused(
    link: LinkOf,
    refusal: { readonly session: string; readonly code: string; readonly detail: string },
  ): Promise<void> {
    const session = await this.#parts.repository.find(refusal.session);
    if (session?.nodeId !== link.nodeId) return;
    const { session: id, code, detail } = refusal;
    if (session.state === 'requested')
      await this.#ledger.refuse(id, isErrorCode(code) ? code : 'SHELL_REFUSED', detail);
    // An attach to a shell that is gone: its last chunk says how it ended, if that is still to come.
    else if (session.state === 'open') this.#isMissing(id);
  }

  frame(link: LinkOf, frame: ShellFrame): void {
    this.#hub.frame(link, frame);
    if (frame.op !== SHELL_OPS.exit) return;
    this.#exited(link, frame).catch((error: unknown) =>
      this.#parts.log.warn({ err: error, session: frame.session }, 'the end of a shell could not be stored'),
    );
  }

  linkLost(link: LinkOf): void {
    this.#hub.linkLost(link);
  }

  /** What the node says is open there: an open shell that it does not name has ended without our hearing of it. */
  async nodeStatus(
    link: LinkOf,
    status: { readonly shells: readonly string[]; readonly actions: readonly unknown[] },
  ): Promise<void> {
    // Without its executor's facts the node names no action, and its list of shells means nothing.
    if (status.actions.length === 0) return;
    const named = new Set(status.shells);
    for (const { id, state } of await this.#parts.repository.unsettledOf(link.nodeId)) {
      if (named.has(id)) this.#missing.delete(id);
      else if (state === 'open') this.#isMissing(id);
    }
  }

  start(): void {
    const says = 'old shells could not be settled';
    this.#beat = startBeat(this.#parts, { everyMs: SWEEP_MS, says, work: async () => this.#sweep() });
  }

  async stop(): Promise<void> {
    await this.#beat?.stop();
  }

  #isMissing(id: string): void {
    if (!this.#missing.has(id)) this.#missing.set(id, this.#parts.clock.nowMs());
  }

  async #exited(link: LinkOf, frame: ShellFrame): Promise<void> {
    const session = await this.#parts.repository.find(frame.session);
    if (session?.nodeId !== link.nodeId) return;
    const parsed = parseShellExit(Buffer.from(frame.body).toString('utf8'));
    const exit = parsed.ok ? parsed.value : exitOf('exited', 'The shell has ended.');
    await this.#ledger.end(frame.session, exit, this.#parts.clock.nowMs());
  }

  async #sweep(): Promise<void> {
    const nowMs = this.#parts.clock.nowMs();
    for (const { id } of await this.#parts.repository.unanswered(nowMs - PERMIT_MS - SWEEP_MS))
      await this.#ledger.refuse(id, 'UNAVAILABLE', 'The node never answered.');
    for (const [id, since] of this.#missing)
      if (nowMs - since >= MISSING_MS)
        await this.#ledger.end(id, exitOf('crashed', 'The node no longer has this shell.'), nowMs);
  }
}
