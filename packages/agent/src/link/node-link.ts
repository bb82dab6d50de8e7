import { decodeShellFrame, FRAME_TYPES, type FromExecutor, type LinkItem } from '@hauban/shared/protocol';
import type { Clock, Timer } from '@hauban/shared/time';
import type { BodyType, FrameChannel } from '@hauban/link';
import type { AreaFeed } from './area-feed.ts';
import type { AuditWitness } from './audit-witness.ts';
import type { ClockOffset } from './clock-offset.ts';
import type { ControllerKeys } from './controller-keys.ts';
import type { ExecutorClient } from './executor-client.ts';
import type { InventoryFeed } from './inventory-feed.ts';
import type { KeyRotation } from './key-rotation.ts';
import type { LinkKeeperEvents, OnlineMessage } from './link-keeper.ts';
import type { LinkLog } from './link-log.ts';
import type { MetricsFeed } from './metrics-feed.ts';
import type { RecordingUpload } from './recording-upload.ts';
import type { ShellRelay } from './shell-relay.ts';

type Facts = Extract<FromExecutor, { t: 'facts' }>;

/** What the node says of itself in `status`, besides the executor's facts. */
export interface NodeFacts {
  readonly agentVersion: string;
  readonly hostName: string;
  readonly boot: string;
  /** Unix ms. */
  readonly bootedAt: number;
}

export interface NodeLinkDeps {
  readonly clock: Clock;
  readonly log: LinkLog;
  readonly node: NodeFacts;
  spoolChunks(): number;
  readonly executor: ExecutorClient;
  readonly shells: ShellRelay;
  readonly recordings: RecordingUpload;
  readonly metrics: MetricsFeed;
  readonly inventory: InventoryFeed;
  readonly areas: Pick<AreaFeed, 'linkUp' | 'linkDown' | 'ask'>;
  readonly clockOffset: ClockOffset;
  readonly keyRotation: KeyRotation;
  readonly auditWitness: AuditWitness;
  readonly controllerKeys: Pick<ControllerKeys, 'newest' | 'follow' | 'obeys'>;
  /** The first attempt has come to something. */
  settled(): void;
}

/** How long a link that is up waits for the facts of an executor that has to start first. */
const FACTS_WAIT_MS = 3_000;

/** An executor that does not answer: nothing can be done on this node, and the page says so. */
const NO_FACTS: Pick<Facts, 'isRoot' | 'actions' | 'policyText' | 'bundle' | 'authority'> = {
  isRoot: false,
  actions: [],
  policyText: '',
  bundle: 0,
  authority: 0,
};

/**
 * The switchboard of the link process: what comes from the controller goes to the executor, the shells and the feeds;
 * what comes from the executor goes to the controller. It decides nothing: signatures are the executor's to check.
 *
 *   down --ready--> introducing (waits for the executor's facts) --status sent--> up --lost--> down
 */
type State =
  | { readonly at: 'down' }
  | { readonly at: 'introducing'; readonly channel: FrameChannel; readonly timer: Timer }
  | { readonly at: 'up'; readonly channel: FrameChannel };

export class NodeLink implements LinkKeeperEvents {
  readonly #deps: NodeLinkDeps;
  #state: State = { at: 'down' };
  #facts: Facts | null = null;

  constructor(deps: NodeLinkDeps) {
    this.#deps = deps;
  }

  get isUp(): boolean {
    return this.#state.at === 'up';
  }

  ready(channel: FrameChannel): void {
    const timer = this.#deps.clock.after(FACTS_WAIT_MS, () => this.#introduce());
    this.#state = { at: 'introducing', channel, timer };
    if (this.#facts === null) this.#deps.executor.sync();
    else this.#introduce();
  }

  lost(): void {
    const state = this.#state;
    if (state.at === 'introducing') state.timer.cancel();
    this.#state = { at: 'down' };
    const { shells, recordings, metrics, inventory, areas, clockOffset, keyRotation } = this.#deps;
    for (const part of [shells, recordings, metrics, inventory, areas, clockOffset, keyRotation]) part.linkDown();
  }

  echo(echo: Parameters<ClockOffset['echo']>[0]): void {
    this.#deps.clockOffset.echo(echo);
  }

  settled(): void {
    this.#deps.settled();
  }

  body(type: BodyType, body: Uint8Array): void {
    const frame = type === FRAME_TYPES.shell ? decodeShellFrame(body) : null;
    if (frame !== null) this.#deps.shells.fromController(frame);
    else if ('channel' in this.#state)
      this.#state.channel.close(4400, `a frame of type ${type} that is not for a node`);
  }

  control(message: OnlineMessage): void {
    const { executor, recordings, metrics, inventory } = this.#deps;
    switch (message.t) {
      case 'order':
      case 'receipt.ack':
      case 'bundles':
      case 'receipt-key.held':
        return executor.send(message);
      case 'key.rotated':
        this.#deps.keyRotation.answered(message);
        // An executor that starts on demand looks at the age of its own key when it is asked for anything.
        return executor.sync();
      case 'key.refused':
        return this.#deps.keyRotation.answered(message);
      case 'recording.ack':
        return recordings.acknowledged(message.session, message.index);
      case 'chunk.ack':
        return metrics.acknowledged(message);
      case 'watch':
        return metrics.watched(message.periodMs);
      case 'inventory.refresh':
        return inventory.refresh(message.sections);
      case 'areas.watch':
        return this.#deps.areas.ask(message.areas);
      case 'link.steps':
        return this.#follow(message.items);
      case 'audit.head':
        return this.#deps.auditWitness.take(message.jws);
    }
  }

  /** What comes after it (a head by the new key) waits for nothing: it comes again after the status (rule KEYS21). */
  #follow(items: readonly LinkItem[]): void {
    const { controllerKeys, log } = this.#deps;
    controllerKeys.follow(items).then(
      (isOther) => {
        if (isOther && this.#state.at === 'up') this.#sendStatus(this.#state.channel);
      },
      (error: unknown) => log.error({ err: error }, 'fault while a link key of the controller was followed'),
    );
  }

  /** Status first (rule LIFE2), then everything that waited for it. */
  #introduce(): void {
    const state = this.#state;
    if (state.at !== 'introducing') return;
    const { channel } = state;
    state.timer.cancel();
    this.#state = { at: 'up', channel };
    this.#sendStatus(channel);
    const { shells, recordings, metrics, inventory, areas, clockOffset, keyRotation, executor } = this.#deps;
    for (const part of [shells, recordings, metrics, inventory, areas, clockOffset, keyRotation]) part.linkUp(channel);
    // Receipts, shells and chunks that wait there come now, when they can be passed on.
    executor.sync();
  }

  #sendStatus(channel: FrameChannel): void {
    const { node, shells, auditWitness } = this.#deps;
    const { isRoot, actions, policyText, bundle, authority } = this.#facts ?? NO_FACTS;
    const open = this.#facts?.shells ?? shells.openShells;
    const spoolChunks = this.#deps.spoolChunks();
    const auditHead = auditWitness.newest;
    const controllerKey = this.#deps.controllerKeys.newest;
    channel.sendControl({
      t: 'status',
      ...node,
      isRoot,
      actions,
      policyText,
      bundle,
      authority,
      spoolChunks,
      shells: open,
      controllerKey,
      auditHead,
    });
  }

  /** A message of the executor. Without a link it is dropped: all that matters comes again after the next `sync`. */
  fromExecutor(message: FromExecutor): void {
    const channel = this.#state.at === 'up' ? this.#state.channel : null;
    switch (message.t) {
      case 'facts':
        return this.#newFacts(message);
      case 'taken':
        return void channel?.sendControl({ t: 'order.taken', order: message.order });
      case 'progress':
      case 'output':
      case 'receipt':
      case 'receipt-key.step':
      case 'shell.refused':
        return void channel?.sendControl(message);
      case 'shell.started':
        if (this.#deps.shells.started(message.session, message.socket))
          channel?.sendControl({ t: 'shell.opened', session: message.session });
        return undefined;
      case 'recording.ready':
        return this.#deps.recordings.announced(message);
    }
  }

  #newFacts(facts: Facts): void {
    const isNews = JSON.stringify(facts) !== JSON.stringify(this.#facts);
    // Before a link is up this says nothing about it: the chunks that follow cannot be sent yet.
    if (this.#state.at === 'up') this.#deps.recordings.told();
    this.#facts = facts;
    this.#deps.controllerKeys.obeys(facts.authority);
    if (this.#state.at === 'introducing') this.#introduce();
    else if (this.#state.at === 'up' && isNews) this.#sendStatus(this.#state.channel);
  }
}
