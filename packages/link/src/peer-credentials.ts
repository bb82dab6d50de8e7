import { spawn } from 'node:child_process';
import type { Server, Socket } from 'node:net';

/**
 * Who is at the other end of a Unix socket, as the kernel noted at `connect` (SO_PEERCRED, unix(7)): file modes say who
 * may open the socket's path, and stop saying it when a folder is moved, a mode is changed or a descriptor is handed on.
 *
 * Node has no call for it. perl has, and perl-base is part of every Debian and Ubuntu (Essential). The alternatives are
 * not sound: `ss` shows only sockets of its own network namespace, which the signer does not share with its callers,
 * and the holders of a descriptor in /proc are not who connected. The connection is handed over as descriptor 3 and not
 * as standard input: of descriptors 0 to 2 libuv makes blocking ones, and the description is shared with us.
 */
const PERL = '/usr/bin/perl';
const ASK_KERNEL = [
  'open(my $peer, "+<&=", 3) or exit 1;',
  'my $credentials = getsockopt($peer, SOL_SOCKET, SO_PEERCRED) or exit 1;',
  'print((unpack("iII", $credentials))[1]);',
].join(' ');
/** About 10 ms when measured; more is a machine in trouble. */
const ANSWER_WITHIN_MS = 10_000;
const ANSWER_LIMIT_BYTES = 16;
/** More at once are no link process and no controller: they are refused unasked. */
const MOST_QUESTIONS = 16;

/** What became of a question: the user id, or why it is not known (then nobody is let in). */
type PeerUid = { readonly ok: true; readonly uid: number } | { readonly ok: false; readonly problem: string };

/** Asks the kernel who connected. The socket stays the caller's, with nothing read from it. */
function readPeerUid(socket: Socket): Promise<PeerUid> {
  return new Promise((resolve) => {
    const child = spawn(PERL, ['-MSocket', '-e', ASK_KERNEL], {
      stdio: ['ignore', 'pipe', 'ignore', socket],
      env: {},
      cwd: '/',
      timeout: ANSWER_WITHIN_MS,
      killSignal: 'SIGKILL',
    });
    let said = '';
    child.stdout?.on('data', (bytes: Buffer) => {
      if (said.length <= ANSWER_LIMIT_BYTES) said += bytes.toString('latin1');
    });
    child.on('error', (error) => resolve({ ok: false, problem: `${PERL} cannot be started: ${error.message}` }));
    child.on('close', (status) => {
      if (status === 0 && /^(0|[1-9][0-9]{0,9})$/.test(said)) resolve({ ok: true, uid: Number(said) });
      else resolve({ ok: false, problem: `${PERL} could not say who connected` });
    });
  });
}

const isAllowedPeer = (uid: number, allowed: readonly number[]): boolean => allowed.includes(uid);

export interface PeerRules {
  /** User ids that may connect. */
  readonly allowed: readonly number[];
  /** A connection of an allowed user, still paused: `resume` it when its events are listened to. It is the callee's. */
  accepted(socket: Socket): void;
  /** One that was closed without a byte having been read. `uid` is null when it could not be found out. */
  refused(uid: number | null, problem: string): void;
}

/** Whoever is still being asked about when the server closes is let go: nobody else knows of that connection. */
export interface PeerGate {
  close(): void;
}

/** Lets only connections of the allowed users through. The server is to be made with `pauseOnConnect`. */
export function acceptPeers(server: Server, rules: PeerRules): PeerGate {
  const asking = new Set<Socket>();
  const judge = async (socket: Socket): Promise<void> => {
    const peer = await readPeerUid(socket);
    if (socket.destroyed) return;
    if (!peer.ok) rules.refused(null, peer.problem);
    else if (!isAllowedPeer(peer.uid, rules.allowed))
      rules.refused(peer.uid, `user id ${peer.uid} may not connect to this socket`);
    else return rules.accepted(socket);
    socket.destroy();
  };
  server.on('connection', (socket: Socket) => {
    // A connection that breaks is destroyed by Node; that is all there is to do until somebody else looks after it.
    socket.on('error', () => undefined);
    if (asking.size >= MOST_QUESTIONS) {
      rules.refused(null, 'too many connections at once');
      socket.destroy();
      return;
    }
    asking.add(socket);
    void judge(socket).finally(() => asking.delete(socket));
  });
  return {
    close: () => {
      for (const socket of asking) socket.destroy();
    },
  };
}
