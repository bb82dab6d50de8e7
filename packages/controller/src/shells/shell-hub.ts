import {
  decodeAttach,
  decodeCredit,
  decodeOutput,
  decodeResize,
  encodeAttach,
  SHELL_OPS,
  utf8,
  type ShellExit,
  type ShellFrame,
  type ShellOp,
} from '@hauban/shared/protocol';

/** The part of a node's link that carries shells. */
export interface ShellLink {
  /** Id of this link; a new link of the same node has another one. */
  readonly session: string;
  sendShell(frame: ShellFrame): 'sent' | 'stop' | 'closed';
  onceDrained(callback: () => void): void;
}

/** Somebody's page or terminal. */
export interface ShellViewer {
  /** Operation and body, as the page expects it. */
  send(message: Uint8Array): void;
  /** Reads nothing more from the viewer until `resume`. */
  pause(): void;
  resume(): void;
  close(code: number, reason: string): void;
}

export interface ConnectedViewer {
  /** @returns false when it is no message of a viewer */
  message(bytes: Uint8Array): boolean;
  gone(): void;
}

/** Close codes of the page's socket, beside those of the HTTP side. */
export const VIEWER_CLOSE = { done: 1000, malformed: 4400, signedOut: 4401, replaced: 4411 } as const;

/** What a viewer may send to the node. */
const VIEWER_OPS: ReadonlySet<number> = new Set([SHELL_OPS.input, SHELL_OPS.resize, SHELL_OPS.credit, SHELL_OPS.close]);
const isViewerOp = (op: number): op is ShellOp => VIEWER_OPS.has(op);

interface Seat {
  readonly nodeId: string;
  readonly viewer: ShellViewer;
  /** Offset that the viewer wants next; null until it has said so. */
  next: number | null;
  /** Link over which it is attached. */
  link: string | null;
}

/**
 * Attachments of a shell whose answer has not begun. The node begins each with an empty output frame (rule SHELL5);
 * output before it belongs to an attachment before, so it is dropped, and no viewer pays for it.
 */
interface Awaited {
  readonly link: string;
  count: number;
}

const message = (op: ShellOp, body: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(1 + body.length);
  bytes[0] = op;
  bytes.set(body, 1);
  return bytes;
};

const NOTHING = new Uint8Array(0);
/** Sits where a shell is only closed. */
const NOBODY: ShellViewer = {
  send: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
  close: () => undefined,
};

function isWellFormed(op: ShellOp, body: Uint8Array): boolean {
  if (op === SHELL_OPS.resize) return decodeResize(body) !== null;
  if (op === SHELL_OPS.credit) return decodeCredit(body) !== null;
  return op === SHELL_OPS.input || body.length === 0;
}

/**
 * Ties viewers to the shells of nodes, both ways, end to end: credit is the viewer's, so a slow page stops the terminal
 * and nothing piles up here. Without a viewer the node is told to detach; its own policy says how long the shell waits.
 */
export class ShellHub {
  readonly #findLink: (nodeId: string) => ShellLink | null;
  readonly #seats = new Map<string, Seat>();
  readonly #awaited = new Map<string, Awaited>();

  constructor(findLink: (nodeId: string) => ShellLink | null) {
    this.#findLink = findLink;
  }

  /** Viewers that are connected. */
  get size(): number {
    return this.#seats.size;
  }

  /** A viewer that may see and type. It takes over from the one before. */
  connect(session: string, nodeId: string, viewer: ShellViewer): ConnectedViewer {
    const before = this.#seats.get(session);
    const seat: Seat = { nodeId, viewer, next: null, link: null };
    this.#seats.set(session, seat);
    before?.viewer.close(VIEWER_CLOSE.replaced, 'the shell was attached to from elsewhere');
    return {
      message: (bytes) => this.#fromViewer(session, seat, bytes),
      gone: () => {
        if (this.#seats.get(session) !== seat) return;
        this.#toNode(session, seat, SHELL_OPS.detach, NOTHING);
        this.#seats.delete(session);
      },
    };
  }

  /** A frame from a node: output or exit. One for a session of another node is passed over. */
  frame(link: { readonly nodeId: string; readonly session: string }, { op, session, body }: ShellFrame): void {
    const seat = this.#seats.get(session);
    if (seat !== undefined && seat.nodeId !== link.nodeId) return;
    if (op === SHELL_OPS.output) this.#output(link.session, session, body);
    else if (op === SHELL_OPS.exit) this.#end(session, body);
  }

  /** The node can be attached to (it says so after each link): goes on for the viewer that is there. */
  opened(nodeId: string, session: string): void {
    const seat = this.#seats.get(session);
    const link = this.#findLink(nodeId);
    if (seat === undefined || seat.nodeId !== nodeId || link === null || seat.link === link.session) return;
    this.#attach(session, seat);
  }

  /**
   * Ends a shell from here, whoever looks at it: the viewer is sent away, the shell is attached to (a node listens to
   * nothing else) and closed. False: the node is not connected; say it again when it is.
   */
  close(session: string, nodeId: string): boolean {
    const seat = this.#seats.get(session);
    if (seat !== undefined) {
      this.#seats.delete(session);
      seat.viewer.close(VIEWER_CLOSE.signedOut, 'the sign-in has ended');
    }
    const link = this.#findLink(nodeId);
    if (link === null) return false;
    this.#attach(session, { nodeId, viewer: NOBODY, next: 0, link: null });
    return link.sendShell({ op: SHELL_OPS.close, session, body: NOTHING }) !== 'closed';
  }

  linkLost(link: { readonly session: string }): void {
    for (const seat of this.#seats.values()) if (seat.link === link.session) seat.link = null;
    for (const [session, waiting] of this.#awaited) if (waiting.link === link.session) this.#awaited.delete(session);
  }

  /** It is over, whatever told so. */
  ended(session: string, exit: ShellExit): void {
    this.#end(session, utf8(JSON.stringify(exit)));
  }

  #fromViewer(session: string, seat: Seat, bytes: Uint8Array): boolean {
    const op = bytes[0] ?? 0;
    const body = bytes.subarray(1);
    const isSeated = this.#seats.get(session) === seat;
    if (op === SHELL_OPS.attach) {
      const offset = decodeAttach(body);
      if (offset === null) return false;
      seat.next = offset;
      if (isSeated) this.#attach(session, seat);
      return true;
    }
    if (!isViewerOp(op) || !isWellFormed(op, body)) return false;
    if (isSeated) this.#toNode(session, seat, op, body);
    return true;
  }

  #attach(session: string, seat: Seat): void {
    const link = seat.next === null ? null : this.#findLink(seat.nodeId);
    if (link === null || seat.next === null) return;
    const sent = link.sendShell({ op: SHELL_OPS.attach, session, body: encodeAttach(seat.next) });
    seat.link = sent === 'closed' ? null : link.session;
    if (sent === 'closed') return;
    const waiting = this.#awaited.get(session);
    if (waiting?.link === link.session) waiting.count += 1;
    else this.#awaited.set(session, { link: link.session, count: 1 });
  }

  /** Input while there is no link is dropped (rule SHELL6). */
  #toNode(session: string, seat: Seat, op: ShellOp, body: Uint8Array): void {
    const link = this.#findLink(seat.nodeId);
    if (link === null || seat.link !== link.session) return;
    if (link.sendShell({ op, session, body }) !== 'stop') return;
    seat.viewer.pause();
    link.onceDrained(() => seat.viewer.resume());
  }

  #output(link: string, session: string, body: Uint8Array): void {
    const piece = decodeOutput(body);
    if (piece === null) return;
    const waiting = this.#awaited.get(session);
    if (waiting?.link === link) {
      if (piece.data.length > 0) return;
      waiting.count -= 1;
      if (waiting.count > 0) return;
      this.#awaited.delete(session);
    }
    const seat = this.#seats.get(session);
    if (seat?.link !== link) return;
    seat.next = piece.offset + piece.data.length;
    seat.viewer.send(message(SHELL_OPS.output, body));
  }

  #end(session: string, exitBody: Uint8Array): void {
    const seat = this.#seats.get(session);
    this.#awaited.delete(session);
    if (seat === undefined) return;
    this.#seats.delete(session);
    seat.viewer.send(message(SHELL_OPS.exit, exitBody));
    seat.viewer.close(VIEWER_CLOSE.done, 'the shell has ended');
  }
}
