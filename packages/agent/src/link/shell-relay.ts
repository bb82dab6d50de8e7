import { dirname, resolve } from 'node:path';
import type { Socket } from 'node:net';
import { encodeShellFrame, FRAME_TYPES, LOCAL_KINDS, SHELL_OPS, type ShellFrame } from '@hauban/shared/protocol';
import { createLocalConnection, type FrameChannel, type LocalConnection, type LocalFrame } from '@hauban/link';
import type { LinkLog } from './link-log.ts';

export interface ShellRelayDeps {
  readonly log: LinkLog;
  /** Only sockets directly in this folder are connected to. */
  readonly shellsDir: string;
  connect(path: string): Socket;
}

/** One open shell. It is connected to its host only while a link is up, so that the host knows when nobody is there (rule SHELL5). */
interface Relayed {
  readonly socketPath: string;
  connection: LocalConnection | null;
}

/** Bytes of operation and session before the body of a shell frame (rule SHELL3). */
const PREFIX_BYTES = 17;

/**
 * Passes shell frames between the link and the hosts of the shells, each way as it is. Output that the link cannot take
 * now is left in the host's socket: the host then stops reading its terminal.
 */
export class ShellRelay {
  readonly #deps: ShellRelayDeps;
  readonly #shells = new Map<string, Relayed>();
  #channel: FrameChannel | null = null;

  constructor(deps: ShellRelayDeps) {
    this.#deps = deps;
  }

  get openShells(): readonly string[] {
    return [...this.#shells.keys()];
  }

  linkUp(channel: FrameChannel): void {
    this.#channel = channel;
  }

  linkDown(): void {
    this.#channel = null;
    for (const shell of this.#shells.values()) {
      shell.connection?.destroy();
      shell.connection = null;
    }
  }

  /** The executor says where a shell listens; again after each `sync`. @returns whether the path is one that we connect to */
  started(session: string, socketPath: string): boolean {
    if (dirname(resolve(socketPath)) !== resolve(this.#deps.shellsDir)) {
      this.#deps.log.error({ session }, 'the socket of a shell lies outside its folder and is not used');
      return false;
    }
    if (!this.#shells.has(session)) this.#shells.set(session, { socketPath, connection: null });
    return true;
  }

  /** A frame from the controller. `attach` connects; anything else for a shell that is not connected is dropped (rule SHELL6). */
  fromController(frame: ShellFrame): void {
    const shell = this.#shells.get(frame.session);
    if (shell === undefined) return this.#gone(frame);
    if (shell.connection === null && frame.op === SHELL_OPS.attach) this.#connect(frame.session, shell);
    shell.connection?.send(LOCAL_KINDS.shell, encodeShellFrame(frame));
    return undefined;
  }

  #gone(frame: ShellFrame): void {
    if (frame.op === SHELL_OPS.attach) this.#refuse(frame.session, 'There is no such shell on this node any more.');
  }

  #refuse(session: string, detail: string): void {
    this.#channel?.sendControl({ t: 'shell.refused', session, code: 'SHELL_GONE', detail });
  }

  #connect(session: string, shell: Relayed): void {
    const prefix = encodeShellFrame({ op: SHELL_OPS.output, session, body: new Uint8Array(0) });
    const socket = this.#deps.connect(shell.socketPath);
    let wasConnected = false;
    socket.once('connect', () => {
      wasConnected = true;
    });
    const connection = createLocalConnection(socket, {
      frame: (frame) => this.#fromHost(session, shell, connection, prefix, frame),
      ended: () => {
        if (shell.connection !== connection) return;
        shell.connection = null;
        if (wasConnected) return;
        // Nobody listens there: its host is gone, and the executor closes the recording.
        this.#shells.delete(session);
        this.#refuse(session, 'The shell has ended.');
      },
    });
    shell.connection = connection;
  }

  #fromHost(
    session: string,
    shell: Relayed,
    connection: LocalConnection,
    prefix: Uint8Array,
    { kind, body }: LocalFrame,
  ): void {
    const channel = this.#channel;
    if (channel === null || shell.connection !== connection) return;
    const op = body[0] ?? 0;
    const isOurs = Buffer.compare(body.subarray(1, PREFIX_BYTES), prefix.subarray(1)) === 0;
    if (kind !== LOCAL_KINDS.shell || !isOurs || (op !== SHELL_OPS.output && op !== SHELL_OPS.exit)) {
      this.#deps.log.error({ session }, 'the host of a shell sent what is no frame of its shell');
      connection.destroy();
      return;
    }
    if (op === SHELL_OPS.exit) this.#shells.delete(session);
    if (channel.send(FRAME_TYPES.shell, body) !== 'stop') return;
    connection.pause();
    channel.onceDrained(() => connection.resume());
  }
}
