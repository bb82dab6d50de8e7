import { randomUUID } from 'node:crypto';
import { createKeyPair, systemRandom, type Transport, type TransportEvents } from '@hauban/link';
import { catalogueSeries, createSeriesList, type ChunkKey } from '@hauban/shared/metrics';
import type { FromExecutor, ToExecutor } from '@hauban/shared/protocol';
import { FakeClock, type SeededRandom } from '@hauban/shared/testing';
import {
  AuditWitness,
  ClockOffset,
  createJoinLedger,
  AreaFeed,
  InventoryFeed,
  KeyRotation,
  LinkKeeper,
  MetricsFeed,
  NodeLink,
  RecordingUpload,
  ShellRelay,
  type Dial,
  type ExecutorClient,
} from '../../packages/agent/src/link/index.ts';
import { createLinkRegistry, type LinkRegistry } from '../../packages/controller/src/gateway/link-registry.ts';
import { LinkSession } from '../../packages/controller/src/gateway/link-session.ts';
import { createControllerState, createPorts, FRESH, nothingTold, type Told } from './fake-services.ts';
import { fixedKey, memoryLedger } from './fake-agent.ts';
import { STATUS } from './fake-node.ts';

/** One end of a connection in a network that a test holds in its hands. */
class End implements Transport {
  readonly #pipe: Pipe;
  readonly #side: Side;

  constructor(pipe: Pipe, side: Side) {
    this.#pipe = pipe;
    this.#side = side;
  }

  send(bytes: Uint8Array, written?: () => void): void {
    this.#pipe.push(this.#side, Buffer.from(bytes));
    written?.();
  }
  close(code: number): void {
    this.#pipe.close(code, this.#side);
  }
  destroy(): void {
    this.#pipe.close(1006, this.#side);
  }
  get bufferedBytes(): number {
    return 0;
  }
  pause(): void {
    this.#pipe.paused.add(this.#side);
  }
  resume(): void {
    this.#pipe.paused.delete(this.#side);
  }
}

type Side = 'node' | 'controller';
const other = (side: Side): Side => (side === 'node' ? 'controller' : 'node');

/** A connection: what each side has sent and the other has not received yet. */
export class Pipe {
  readonly underway: Record<Side, Buffer[]> = { node: [], controller: [] };
  readonly paused = new Set<Side>();
  readonly events: Partial<Record<Side, TransportEvents>> = {};
  isOpen = true;

  push(from: Side, bytes: Buffer): void {
    if (this.isOpen) this.underway[from].push(bytes);
  }

  /** Hands over the oldest message of `from`. */
  deliver(from: Side): void {
    if (!this.isOpen || this.paused.has(other(from))) return;
    const bytes = this.underway[from].shift();
    if (bytes !== undefined) this.events[other(from)]?.message(bytes);
  }

  /** An orderly close is seen by the other side with its code, a broken one by both as lost. */
  close(code: number, by: Side | null): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    for (const side of ['node', 'controller'] as const) this.events[side]?.closed(by === null ? 1006 : code);
  }
}

/**
 * A node and a controller with the real link code on both sides, joined by a network that loses, doubles, swaps, alters
 * and cuts as the seed says. Time moves only when told.
 */
export class LinkWorld {
  readonly clock = new FakeClock();
  readonly told: Told = nothingTold();
  readonly state = createControllerState();
  /** Everything in a journal of the node: unacknowledged receipts and chunks survive its restart. */
  readonly chunks: (ChunkKey & { readonly listVersion: string })[] = [];
  readonly ackedChunks: number[] = [];
  readonly receipts = new Map<string, string>();
  /** Orders as the executor got them, in order, over all links. */
  readonly ordered: string[] = [];
  /** Live frames by the number of the node's link on which they were sent. */
  readonly sentLive = new Map<number, string[]>();
  readonly nodeId: string;
  pipes: Pipe[] = [];
  keeper: LinkKeeper;
  node: NodeLink;
  metrics: MetricsFeed;
  linkNumber = 0;
  /** Sequence of chunks. */
  lastChunk = 0;
  readonly #key = createKeyPair();
  readonly #ledger = memoryLedger();
  readonly #list = createSeriesList([catalogueSeries('mem.free_bytes')]);
  readonly #random: SeededRandom;
  #registry: LinkRegistry = createLinkRegistry();
  #isListening = true;

  constructor(random: SeededRandom) {
    this.#random = random;
    this.nodeId = randomUUID();
    this.state.nodes.set(this.nodeId, { linkKey: this.#key.publicText, receiptKey: '', ...FRESH });
    // Whatever the network does, a node with one disk is one node.
    this.state.countsJoins = true;
    ({ keeper: this.keeper, node: this.node, metrics: this.metrics } = this.#createNode());
    this.keeper.start();
  }

  /** The controller's process ends; `startController` brings a new one that knows what the database knows. */
  stopController(): void {
    this.#isListening = false;
    for (const pipe of this.pipes) pipe.close(1006, null);
    this.#registry = createLinkRegistry();
  }

  startController(): void {
    this.#isListening = true;
  }

  /** kill -9 and start of the link process: sockets break, memory is gone, files stay. */
  restartNode(): void {
    for (const pipe of this.pipes) {
      delete pipe.events.node;
      pipe.close(1006, null);
    }
    this.keeper.stop();
    ({ keeper: this.keeper, node: this.node, metrics: this.metrics } = this.#createNode());
    this.keeper.start();
  }

  sendLive(text: string): void {
    if (!this.node.isUp) return;
    this.sentLive.set(this.linkNumber, [...(this.sentLive.get(this.linkNumber) ?? []), text]);
    this.metrics.liveFrame(Buffer.from(text));
  }

  /** A chunk is sealed into the spool. */
  seal(): void {
    this.lastChunk += 1;
    this.chunks.push({ boot: STATUS.boot, seq: this.lastChunk, listVersion: this.#list.version });
    this.metrics.pump();
  }

  /** The controller dispatches an order; pending until its receipt is stored. */
  dispatch(order: string): void {
    const jws = `e30.${Buffer.from(JSON.stringify({ id: order })).toString('base64url')}.${'A'.repeat(86)}`;
    this.state.pending.set(this.nodeId, [...(this.state.pending.get(this.nodeId) ?? []), jws]);
    this.#registry.all()[0]?.sendOrder(jws);
  }

  get isUp(): boolean {
    return this.node.isUp && this.#registry.all().length === 1;
  }

  #dial(): Dial {
    return (_url, events) => {
      if (!this.#isListening) {
        events.failed('ECONNREFUSED');
        return { abort: () => undefined };
      }
      const pipe = new Pipe();
      this.pipes = [...this.pipes.filter(({ isOpen }) => isOpen), pipe];
      pipe.events.node = events;
      const session = new LinkSession(
        {
          ports: createPorts(this.state, this.told, this.clock),
          identity: this.state.identity,
          registry: this.#registry,
          clock: this.clock,
          random: systemRandom,
          log: { info: () => undefined, warn: () => undefined, error: (fields) => void this.told.faults.push(fields) },
          liveMs: 10_000,
        },
        { transport: new End(pipe, 'controller'), address: 'test', exporter: () => null, settled: () => undefined },
      );
      pipe.events.controller = {
        message: (bytes) => session.message(bytes),
        text: () => session.text(),
        closed: (code) => session.transportClosed(code),
      };
      events.opened(new End(pipe, 'node'), () => null);
      return { abort: () => pipe.close(1006, 'node') };
    };
  }

  #createNode() {
    const { clock } = this;
    const random = this.#random;
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const sampler = { setPeriod: () => undefined, forceKeyFrame: () => undefined, seriesList: () => this.#list };
    const spool = {
      pending: (limit: number) => this.chunks.toReversed().slice(0, limit),
      read: async (key: ChunkKey) => Buffer.from(`${key.boot} ${key.seq}`),
      ack: async (key: ChunkKey) => {
        const at = this.chunks.findIndex(({ seq }) => seq === key.seq);
        if (at >= 0) this.ackedChunks.push(...this.chunks.splice(at, 1).map(({ seq }) => seq));
      },
      seriesList: async () => this.#list,
    };
    const metrics = new MetricsFeed({ clock, log, spool }, sampler);
    const { controllerId, key } = this.state.identity;
    const controllerKeys = {
      newest: key.publicText,
      expected: () => ({ by: 'key', controllerId, linkKey: key.publicText }) as const,
      follow: async () => false,
      obeys: () => undefined,
    };
    const node: NodeLink = new NodeLink({
      clock,
      log,
      node: { agentVersion: '0.1.0', hostName: 'node.test', boot: STATUS.boot, bootedAt: 1 },
      spoolChunks: () => this.chunks.length,
      executor: this.#executor((message) => node.fromExecutor(message)),
      shells: new ShellRelay({
        log,
        shellsDir: '/nowhere',
        connect: () => {
          throw new Error('no shells here');
        },
      }),
      recordings: new RecordingUpload({ log, readChunk: async () => null, acknowledged: () => undefined }),
      metrics,
      inventory: new InventoryFeed({ clock, random, log, takeInventory: async () => [] }),
      areas: new AreaFeed({ clock, log, watch: async () => ({ close: async () => undefined }) }),
      clockOffset: new ClockOffset(clock),
      keyRotation: new KeyRotation({
        clock,
        random,
        log,
        store: fixedKey(this.#key, clock),
        nodeId: () => this.nodeId,
        usedKey: () => this.keeper.usedKey,
      }),
      auditWitness: new AuditWitness({
        log,
        load: () => null,
        store: () => undefined,
        controller: () => {
          throw new Error('no heads here');
        },
      }),
      controllerKeys,
      settled: () => undefined,
    });
    const identity = {
      url: 'ws://test/link',
      ca: null,
      nodeId: this.nodeId,
      key: this.#key,
      formerKeys: [],
    };
    const keeper = new LinkKeeper({
      clock,
      random,
      log,
      loadIdentity: () => identity,
      controllerKeys,
      dialWith: () => this.#dial(),
      join: createJoinLedger(this.#ledger, log),
      watchFiles: () => ({ close: () => undefined }),
      events: {
        ...eventsOf(node),
        ready: (channel) => {
          this.linkNumber += 1;
          node.ready(channel);
        },
      },
    });
    return { keeper, node, metrics };
  }

  /** Executor in memory: answers each order with a receipt, keeps it until it is acknowledged, repeats it at each sync. */
  #executor(answer: (message: FromExecutor) => void): ExecutorClient {
    const facts = {
      t: 'facts',
      isRoot: false,
      actions: [],
      policyText: '',
      shells: [],
      bundle: 0,
      authority: 1,
    } as const;
    const sync = (): void => {
      answer(facts);
      for (const jws of this.receipts.values()) answer({ t: 'receipt', jws });
    };
    const send = (message: ToExecutor): void => {
      if (message.t === 'receipt.ack') this.receipts.delete(message.order);
      if (message.t !== 'order') return;
      const { id } = JSON.parse(Buffer.from(message.jws.split('.')[1] ?? '', 'base64url').toString()) as { id: string };
      this.ordered.push(id);
      const jws = `e30.${Buffer.from(JSON.stringify({ order: id })).toString('base64url')}.${'A'.repeat(86)}`;
      this.receipts.set(id, jws);
      answer({ t: 'receipt', jws });
    };
    return { sync, send } as unknown as ExecutorClient;
  }
}

const eventsOf = (node: NodeLink) => ({
  control: (message: Parameters<NodeLink['control']>[0]) => node.control(message),
  body: (type: Parameters<NodeLink['body']>[0], body: Uint8Array) => node.body(type, body),
  echo: (echo: Parameters<NodeLink['echo']>[0]) => node.echo(echo),
  lost: () => node.lost(),
  settled: () => node.settled(),
});
