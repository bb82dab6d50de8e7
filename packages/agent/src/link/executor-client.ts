import type { Socket } from 'node:net';
import { LOCAL_KINDS, parseFromExecutor, type FromExecutor, type ToExecutor } from '@hauban/shared/protocol';
import { fullJitterMs, type Clock, type Random, type Timer } from '@hauban/shared/time';
import { createLocalConnection, type LocalConnection } from '@hauban/link';
import type { LinkLog } from './link-log.ts';
import { OpenOrders } from './open-orders.ts';

export interface ExecutorClientDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LinkLog;
  /** Begins to connect to the executor's socket; with socket activation that starts it. */
  connect(): Socket;
  /** Something besides orders is under way there (an open shell, a recording): a lost connection is made again. */
  isExpecting(): boolean;
  message(message: FromExecutor): void;
}

/** What waits for a connection at most; the controller repeats orders, the executor everything else. */
const OUTBOX_MESSAGES = 1000;
/**
 * A try costs about a millisecond of CPU. Seconds while the outcome of an order waits; a minute when only facts are
 * missing, or when the executor has been away for so many tries that somebody has taken it away.
 */
const RETRY = { baseMs: 100, urgentCapMs: 2_000, urgentTries: 60, calmCapMs: 60_000 } as const;

/**
 * The link process's side of the executor's socket. The executor leaves when it has no work, and it may be absent; so
 * the connection is made when there is something to say, and made again when it breaks while something is under way.
 *
 *   idle --send--> connecting --> connected --lost, nothing under way--> idle
 *                      ^               \-- lost, something under way --> waiting --+
 *                      +--------------------------------------------------------------+
 */
type State =
  | { readonly at: 'idle' }
  | { readonly at: 'connecting'; readonly socket: Socket }
  | { readonly at: 'connected'; readonly connection: LocalConnection }
  | { readonly at: 'waiting'; readonly timer: Timer };

export class ExecutorClient {
  readonly #deps: ExecutorClientDeps;
  readonly #orders = new OpenOrders();
  #outbox: ToExecutor[] = [];
  #state: State = { at: 'idle' };
  #failures = 0;
  #hasFacts = false;
  /** The connection was lost while something was under way: whatever ends meanwhile, it has to be asked once more. */
  #isOwed = false;
  #isStopped = false;

  constructor(deps: ExecutorClientDeps) {
    this.#deps = deps;
  }

  get at(): State['at'] {
    return this.#state.at;
  }

  /** Asks for facts and for everything that waits there. Each new connection asks by itself. */
  sync(): void {
    if (this.#state.at === 'connected') this.#state.connection.sendJson({ t: 'sync' });
    else this.#connect();
  }

  send(message: ToExecutor): void {
    if (message.t === 'order') this.#orders.sent(message.jws);
    if (this.#state.at === 'connected') {
      this.#state.connection.sendJson(message);
      return;
    }
    if (this.#outbox.length < OUTBOX_MESSAGES) this.#outbox.push(message);
    else
      this.#deps.log.warn(
        { type: message.t },
        'the executor does not answer; a message was dropped, it will be repeated',
      );
    this.#connect();
  }

  stop(): void {
    const state = this.#state;
    this.#isStopped = true;
    this.#state = { at: 'idle' };
    if (state.at === 'waiting') state.timer.cancel();
    else if (state.at === 'connecting') state.socket.destroy();
    else if (state.at === 'connected') state.connection.end();
  }

  #connect(): void {
    if (this.#isStopped || this.#state.at === 'connecting' || this.#state.at === 'connected') return;
    if (this.#state.at === 'waiting') this.#state.timer.cancel();
    const socket = this.#deps.connect();
    this.#state = { at: 'connecting', socket };
    socket.once('connect', () => this.#connected(connection));
    const connection = createLocalConnection(socket, {
      frame: ({ kind, body }) => {
        if (kind === LOCAL_KINDS.json) this.#receive(Buffer.from(body).toString('utf8'), connection);
        else connection.destroy();
      },
      ended: (problem) => this.#lost(problem),
    });
  }

  #connected(connection: LocalConnection): void {
    if (this.#isStopped) return connection.end();
    this.#state = { at: 'connected', connection };
    connection.sendJson({ t: 'sync' });
    const waiting = this.#outbox;
    this.#outbox = [];
    const isWaiting = new Set(waiting.flatMap((message) => (message.t === 'order' ? [message.jws] : [])));
    for (const jws of this.#orders.lost()) if (!isWaiting.has(jws)) connection.sendJson({ t: 'order', jws });
    for (const message of waiting) connection.sendJson(message);
    return undefined;
  }

  #receive(source: string, connection: LocalConnection): void {
    const parsed = parseFromExecutor(source);
    if (!parsed.ok) {
      this.#deps.log.error({ problem: parsed.problem }, 'the executor sent a message that is not known');
      connection.destroy();
      return;
    }
    this.#failures = 0;
    if (parsed.value.t === 'facts') {
      this.#hasFacts = true;
      this.#isOwed = false;
    }
    if (parsed.value.t === 'receipt') this.#orders.answered(parsed.value.jws);
    this.#deps.message(parsed.value);
  }

  #lost(problem: string | null): void {
    if (this.#isStopped) return;
    this.#state = { at: 'idle' };
    this.#isOwed ||= this.#orders.stillOpenAfterLoss() || this.#deps.isExpecting();
    const isUrgent = this.#outbox.length > 0 || this.#isOwed;
    if (!isUrgent && this.#hasFacts) return;
    const capMs = isUrgent && this.#failures < RETRY.urgentTries ? RETRY.urgentCapMs : RETRY.calmCapMs;
    const delayMs = fullJitterMs(this.#failures, this.#deps.random.unit(), RETRY.baseMs, capMs);
    // One line for a whole time of absence, not one for each attempt.
    if (this.#failures === 0) this.#deps.log.warn({ problem }, 'the executor is not connected; trying again');
    this.#failures += 1;
    this.#state = { at: 'waiting', timer: this.#deps.clock.after(delayMs, () => this.#connect()) };
  }
}
