import { join } from 'node:path';
import type { ActionDefinition, Host } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { FromExecutor, SignedReceiptStep, ToExecutor } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { SignRecord } from '../shell/seal-chunk.ts';
import { createRecordSigner } from '../shell/sign-record.ts';
import { claimFolder, ensureFolder, ensureSharedFolder, type ProcessStart } from '../store/index.ts';
import { AuthorityStore, BundleStore, createAuthorityFile, createBundleFile } from '../trust/index.ts';
import type { CustomParts } from '../host/index.ts';
import type { NodeIdentity } from './check-order.ts';
import { CustomCatalogue } from './custom-catalogue.ts';
import { customPin } from './custom-pin.ts';
import type { ExecutorLog } from './executor-log.ts';
import { startExecutorServer, type ExecutorServer, type ListenAt } from './executor-server.ts';
import { createLocalPolicy, type LoadedPolicy } from './local-policy.ts';
import { createLockTable } from './lock-table.ts';
import { OrderDesk } from './order-desk.ts';
import { OrderJournal } from './order-journal.ts';
import type { ReceiptKeys } from './receipt-keys.ts';
import { Recordings } from './recordings.ts';
import { openShell } from './shell-opener.ts';
import { UndoStore } from './undo-store.ts';

/** Folders and files of the executor; `AgentPaths` fits. */
export interface ExecutorPaths {
  readonly policyFile: string;
  readonly executorDir: string;
  readonly receiptKeyFile: string;
  readonly journalDir: string;
  readonly recordingsDir: string;
  readonly shellsDir: string;
}

/** What a host asks of the executor, each time anew. */
export interface HostWords extends Pick<CustomParts, 'pinOf' | 'printed'> {
  /** Has the list of addresses that are never banned. */
  readonly policy: () => LoadedPolicy;
}

export interface ExecutorOptions {
  readonly paths: ExecutorPaths;
  readonly listenAt: ListenAt;
  /** Group of the link process, or null when it runs as the same user. */
  readonly gid: number | null;
  readonly ownUid: number;
  /** User of the link process, or null when it runs as the same user. */
  readonly linkUid: number | null;
  readonly hostName: string;
  /** Asked for each order: an enrolment may have pinned other keys meanwhile. */
  readonly identity: () => NodeIdentity;
  readonly receiptKeys: ReceiptKeys;
  readonly actions: ReadonlyMap<string, ActionDefinition>;
  readonly createHost: (words: HostWords) => Host;
  /** Where the hoster's own actions lie; null: none are taken. */
  readonly custom: Pick<CustomParts, 'folder' | 'trust'> | null;
  /** Program and first arguments of `shell-host`. */
  readonly hostProgram: readonly [string, ...string[]];
  readonly processStart: ProcessStart;
  readonly clock: Clock;
  readonly log: ExecutorLog;
  /** Shells end with this process; otherwise they live on and the next executor takes them over. */
  readonly endsShells: boolean;
  readonly stop: AbortSignal;
}

/** Started on demand, it leaves after this long without work; the next order starts it again. */
const IDLE_MS = 60_000;
const IDLE_CHECK_MS = 5000;
/** How often an executor that goes on running looks whether its receipt key is a day old. */
const KEY_CHECK_MS = 600_000;
/** How long an order may go on after SIGTERM; the journal settles what is cut off. */
const STOP_WITHIN_MS = 60_000;

class Executor {
  readonly #options: ExecutorOptions;
  readonly #policy: () => LoadedPolicy;
  readonly #journal: OrderJournal;
  readonly #undo: UndoStore;
  readonly #catalogue: CustomCatalogue;
  readonly #authority: AuthorityStore;
  readonly #bundles: BundleStore;
  readonly #recordings: Recordings;
  readonly #desk: OrderDesk;
  #server: ExecutorServer | null = null;
  #lastMessageMs: number;
  #fail: (error: unknown) => void = () => undefined;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    const { paths, clock, log, ownUid, gid, receiptKeys, processStart } = options;
    this.#policy = createLocalPolicy(paths.policyFile, ownUid);
    const { journal, damage } = OrderJournal.open(paths.journalDir, clock);
    if (damage.kind === 'torn')
      log.warn({ bytes: damage.bytes }, 'the last record of the order journal was cut off by a crash');
    if (damage.kind === 'corrupt')
      log.error(damage, 'the order journal is damaged: it is kept aside, and older orders are refused from now on');
    this.#journal = journal;
    this.#undo = new UndoStore(join(paths.executorDir, 'undo'), clock);
    const send = (message: FromExecutor): void => this.#server?.send(message);
    receiptKeys.onRotated((step) => send({ t: 'receipt-key.step', step }));
    this.#authority = new AuthorityStore({
      file: createAuthorityFile(join(paths.executorDir, 'authority.json')),
      trust: options.identity,
      log,
    });
    this.#bundles = new BundleStore({
      authority: this.#authority,
      file: createBundleFile(join(paths.executorDir, 'bundle.json')),
      trust: options.identity,
      log,
      changed: () => send(this.#facts()),
    });
    const sign: SignRecord = (typ, payload) => createRecordSigner(receiptKeys.key())(typ, payload);
    this.#recordings = new Recordings({
      recordingsDir: paths.recordingsDir,
      gid,
      sign,
      clock,
      processStart,
      send,
      log,
    });
    const pinOf: CustomParts['pinOf'] = (name) => customPin(this.#policy(), this.#bundles.held, name);
    const printed: CustomParts['printed'] = (name, text) => this.#desk.printed(name, text);
    const host = options.createHost({ policy: this.#policy, pinOf, printed });
    const custom = options.custom === null ? null : { ...options.custom, pinOf };
    this.#catalogue = new CustomCatalogue(options.actions, custom);
    this.#lastMessageMs = clock.monotonicMs();
    this.#desk = new OrderDesk({
      ...options,
      receiptKey: () => receiptKeys.key(),
      actions: this.#catalogue,
      host,
      isRoot: ownUid === 0,
      policy: this.#policy,
      bundles: this.#bundles,
      authority: this.#authority,
      journal,
      undo: this.#undo,
      locks: createLockTable(),
      send,
      isShellOpen: (session) => this.#recordings.isOpen(session),
      openShell: (order) =>
        openShell(order, {
          ...options,
          ...paths,
          nodeId: options.identity().nodeId,
          accounts: host.accounts,
          policy: this.#policy,
          openCount: () => this.#recordings.open().length,
          started: (session) => this.#recordings.add(session),
          ended: () => this.#recordings.look(),
        }),
      fatal: (error) => this.#fail(error),
    });
  }

  async run(): Promise<void> {
    const { clock, stop, listenAt, log, ownUid, linkUid } = this.#options;
    const failed = new Promise<never>((_resolve, reject) => {
      this.#fail = reject;
    });
    this.#recordings.start();
    await this.#catalogue.refreshAll();
    this.#desk.recover();
    this.#server = await startExecutorServer(
      listenAt,
      [0, ownUid, ...(linkUid === null ? [] : [linkUid])],
      { message: (message, answer) => this.#message(message, answer) },
      log,
    );
    log.info(
      { ready: true, orders: this.#desk.runningCount, shells: this.#recordings.open().length },
      'the executor is ready',
    );
    const keyTimer = clock.every(KEY_CHECK_MS, () => this.#options.receiptKeys.rotateIfDue());
    try {
      await Promise.race([failed, this.#untilStopped(stop, clock)]);
      this.#server.close();
      await Promise.race([failed, this.#settled(clock)]);
      if (this.#options.endsShells && stop.aborted) await this.#recordings.endShells();
    } finally {
      keyTimer.cancel();
      this.#server.close();
      this.#recordings.stop();
      this.#journal.close();
      this.#undo.close();
    }
  }

  async #untilStopped(stop: AbortSignal, clock: Clock): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = clock.every(IDLE_CHECK_MS, () => {
        if (!this.#mayLeave()) return;
        timer.cancel();
        resolve();
      });
      const onStop = (): void => {
        timer.cancel();
        resolve();
      };
      if (stop.aborted) onStop();
      else stop.addEventListener('abort', onStop, { once: true });
    });
  }

  /** Only when systemd starts it again: without work and without a shell, for a while. */
  #mayLeave(): boolean {
    if (this.#options.listenAt.kind !== 'inherited' || this.#desk.runningCount > 0) return false;
    if (this.#options.clock.monotonicMs() - this.#lastMessageMs < IDLE_MS) return false;
    return this.#recordings.open().length === 0;
  }

  async #settled(clock: Clock): Promise<void> {
    let cancel = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      const timer = clock.after(STOP_WITHIN_MS, resolve);
      cancel = () => timer.cancel();
    });
    await Promise.race([this.#desk.whenIdle(), late]);
    cancel();
  }

  #facts(): FromExecutor {
    return {
      t: 'facts',
      isRoot: this.#options.ownUid === 0,
      actions: [...this.#options.actions.values()].map(({ name, version }) => ({ name, version })),
      policyText: this.#policy().text,
      bundle: this.#bundles.version,
      authority: this.#authority.version,
      shells: this.#recordings.open(),
    };
  }

  /** Before any receipt that is signed by it. */
  #tellKey(answer: (message: FromExecutor) => void): void {
    const step = this.#options.receiptKeys.newest();
    if (step !== null) answer({ t: 'receipt-key.step', step });
  }

  /** Receipts that came before these steps were not believed: they come again. */
  #catchUp(lacked: readonly SignedReceiptStep[], answer: (message: FromExecutor) => void): void {
    for (const step of lacked) answer({ t: 'receipt-key.step', step });
    if (lacked.length > 0) this.#desk.offerReceipts(answer);
  }

  #message(message: ToExecutor, answer: (message: FromExecutor) => void): void {
    this.#lastMessageMs = this.#options.clock.monotonicMs();
    const { receiptKeys } = this.#options;
    switch (message.t) {
      case 'order':
        this.#desk.take(message.jws);
        return;
      case 'receipt.ack':
        this.#desk.acknowledge(message.order);
        return;
      case 'bundles':
        this.#bundles.take(message.items);
        return;
      case 'recording.ack':
        this.#recordings.acknowledge(message.session, message.index);
        return;
      case 'receipt-key.held':
        this.#catchUp(receiptKeys.lackedBy(message.version), answer);
        return;
      case 'sync':
        receiptKeys.rotateIfDue();
        this.#tellKey(answer);
        // Shells first: whoever reads the facts may want to attach at once.
        for (const session of this.#recordings.open()) {
          const socket = this.#recordings.socketOf(session);
          if (socket !== null) answer({ t: 'shell.started', session, socket });
        }
        answer(this.#facts());
        this.#desk.offerReceipts(answer);
        this.#recordings.offer(answer);
        return;
    }
  }
}

/**
 * Program `executor`: carries out orders until it is stopped, or, when systemd started it, until there has been no work
 * for a minute. Throws when it cannot start, or when its journal cannot be relied on any more: then the process must end,
 * and the next one settles what was open.
 */
export async function runExecutor(options: ExecutorOptions): Promise<void> {
  const { paths, ownUid } = options;
  // The link process looks for recordings and for the sockets of shells.
  ensureSharedFolder(paths.executorDir, 0o750, options.gid);
  ensureFolder(paths.journalDir, 0o700);
  ensureSharedFolder(paths.recordingsDir, 0o750, options.gid);
  ensureSharedFolder(paths.shellsDir, 0o750, options.gid);
  const claim = claimFolder(paths.executorDir, options.processStart);
  if (!claim.ok)
    throw new HaubanError('DATA_IN_USE', `Another executor (process ${claim.pid}) uses ${paths.executorDir}.`);
  try {
    if (ownUid !== 0) options.log.warn({ uid: ownUid }, 'not root: actions that need root are refused');
    await new Executor(options).run();
  } finally {
    claim.release();
  }
}
