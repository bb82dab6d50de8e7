import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createKeyPair,
  createLocalConnection,
  loadKeyPair,
  peekJws,
  signOrder,
  verifyReceipt,
  type KeyPair,
  type LocalConnection,
} from '@hauban/link';
import {
  parseFromExecutor,
  type ActionOrder,
  type FromExecutor,
  type Order,
  type Receipt,
  type ShellOrder,
  type ToExecutor,
  type UndoOrder,
} from '@hauban/shared/protocol';
import { bundleProgram } from './bundle-program.ts';
import type { ProgramConfig } from './executor-program.ts';
import { waitFor } from './wait-for.ts';

export const AUTHORITY_KID = 'authority-1';

type StartOptions = Partial<Pick<ProgramConfig, 'dieAt' | 'dieAtKeyStep' | 'keyAgeMs' | 'delayMs' | 'endsShells'>>;
type Message<T extends FromExecutor['t']> = Extract<FromExecutor, { t: T }>;

/** The link process's end of the executor's socket. */
export interface LinkSide {
  readonly messages: readonly FromExecutor[];
  send(message: ToExecutor): void;
  sendRaw(bytes: Uint8Array): void;
  /** The first message of this type that fits, whenever it comes. */
  next<T extends FromExecutor['t']>(type: T, fits?: (message: Message<T>) => boolean): Promise<Message<T>>;
  isClosed(): boolean;
  close(): void;
}

export interface ExecutorNode {
  readonly root: string;
  /** Where the scratch actions write. */
  readonly folder: string;
  readonly nodeId: string;
  readonly controllerId: string;
  readonly authority: KeyPair;
  readonly config: ProgramConfig;
  /** Standard error of all executors so far. */
  log(): string;
  writePolicy(text: string): void;
  start(options?: StartOptions): Promise<void>;
  /** Starts without waiting for it to answer. */
  launch(options?: StartOptions): ChildProcess;
  readonly child: ChildProcess | null;
  stop(): Promise<void>;
  kill(): Promise<void>;
  connect(): Promise<LinkSide>;
  actionOrder(change?: Partial<ActionOrder>): ActionOrder;
  /** The undo of an order that was given before. */
  undoOrder(undone: ActionOrder, change?: Partial<UndoOrder>): UndoOrder;
  shellOrder(change?: Partial<ShellOrder>): ShellOrder;
  sign(order: Order): Promise<string>;
  /** Sends an order and waits for its receipt, checked as the controller does. */
  run(link: LinkSide, order: Order): Promise<Receipt>;
  readReceipt(jws: string): Promise<Receipt>;
  effects(): readonly string[];
  cleanUp(): Promise<void>;
}

export const OPEN_POLICY = `version = 1
[[allow]]
actions = ["*"]
[shell]
users = ["root"]
grace_seconds = 60
`;

let program: Promise<string> | null = null;

async function ended(child: ChildProcess): Promise<void> {
  await waitFor('the end of the executor', () => child.exitCode !== null || child.signalCode !== null, {
    intervalMs: 5,
  });
}

function createLinkSide(socket: Socket): LinkSide {
  const messages: FromExecutor[] = [];
  let isClosed = false;
  const connection: LocalConnection = createLocalConnection(socket, {
    frame: ({ body }) => {
      const parsed = parseFromExecutor(Buffer.from(body).toString('utf8'));
      if (!parsed.ok) throw new Error(parsed.problem);
      messages.push(parsed.value);
    },
    ended: () => {
      isClosed = true;
    },
  });
  return {
    messages,
    send: (message) => void connection.sendJson(message),
    sendRaw: (bytes) => void socket.write(bytes),
    next: async <T extends FromExecutor['t']>(type: T, fits: (message: Message<T>) => boolean = () => true) =>
      await waitFor(
        `message ${type} from the executor`,
        () =>
          messages.find((message): message is Message<T> => message.t === type && fits(message as Message<T>)) ?? null,
        { intervalMs: 2 },
      ),
    isClosed: () => isClosed,
    close: () => connection.destroy(),
  };
}

async function dial(path: string): Promise<Socket | null> {
  return await new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => resolve(socket));
    socket.on('error', () => resolve(null));
  });
}

class Harness implements ExecutorNode {
  readonly root = mkdtempSync(join(tmpdir(), 'hx-'));
  readonly folder = join(this.root, 'scratch');
  readonly nodeId = randomUUID();
  readonly controllerId = randomUUID();
  readonly authority = createKeyPair();
  readonly config: ProgramConfig;
  readonly #program: string;
  #child: ChildProcess | null = null;
  #log = '';

  constructor(path: string) {
    this.#program = path;
    // Programs without rights are run from below it.
    chmodSync(this.root, 0o711);
    for (const name of ['scratch', 'etc', 'etc/actions', 'run']) mkdirSync(join(this.root, name));
    const executorDir = join(this.root, 'executor');
    mkdirSync(executorDir);
    this.config = {
      paths: {
        policyFile: join(this.root, 'etc/policy.toml'),
        executorDir,
        receiptKeyFile: join(executorDir, 'receipt-key.json'),
        journalDir: join(executorDir, 'journal'),
        recordingsDir: join(executorDir, 'recordings'),
        shellsDir: join(this.root, 'run/shells'),
        executorSocket: join(this.root, 'run/executor.sock'),
      },
      nodeId: this.nodeId,
      controllerId: this.controllerId,
      authorityKeys: [{ kid: AUTHORITY_KID, key: this.authority.publicText }],
      folder: this.folder,
      customFolder: join(this.root, 'etc/actions'),
      delayMs: 0,
      dieAt: 0,
      dieAtKeyStep: 0,
      keyAgeMs: 0,
      endsShells: false,
    };
    this.writePolicy(OPEN_POLICY);
  }

  get child(): ChildProcess | null {
    return this.#child;
  }

  log(): string {
    return this.#log;
  }

  writePolicy(text: string): void {
    writeFileSync(this.config.paths.policyFile, text, { mode: 0o644 });
  }

  launch(options: StartOptions = {}): ChildProcess {
    const file = join(this.root, 'program.json');
    writeFileSync(file, JSON.stringify({ ...this.config, ...options }));
    const child = spawn(process.execPath, [this.#program, 'executor', file], { stdio: ['ignore', 'inherit', 'pipe'] });
    child.stderr?.on('data', (bytes: Buffer) => {
      this.#log += bytes.toString('utf8');
      if (process.env['SHOW_LOG'] !== undefined) appendFileSync('/dev/stderr', bytes);
    });
    this.#child = child;
    return child;
  }

  async start(options: StartOptions = {}): Promise<void> {
    const child = this.launch(options);
    const socket = await waitFor(
      'the executor to answer',
      async () => {
        if (child.exitCode !== null) throw new Error(`the executor ended at once:\n${this.#log}`);
        return await dial(this.config.paths.executorSocket);
      },
      { intervalMs: 5 },
    );
    socket.destroy();
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    child.kill('SIGTERM');
    await ended(child);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    child.kill('SIGKILL');
    await ended(child);
  }

  async connect(): Promise<LinkSide> {
    const socket = await waitFor('the executor to answer', () => dial(this.config.paths.executorSocket), {
      intervalMs: 5,
    });
    return createLinkSide(socket);
  }

  #base(): Pick<
    ActionOrder,
    'v' | 'id' | 'aud' | 'iss' | 'iat' | 'exp' | 'requester' | 'reason' | 'approvals' | 'approved'
  > {
    const iat = Date.now();
    const requester = { id: 'u1', name: 'Jo', via: 'cli' as const };
    return {
      v: 1,
      id: randomUUID(),
      aud: this.nodeId,
      iss: this.controllerId,
      iat,
      exp: iat + 60_000,
      requester,
      reason: null,
      approvals: [],
      approved: null,
    };
  }

  actionOrder(change: Partial<ActionOrder> = {}): ActionOrder {
    const args = { set: 'a', count: 3, content: 'hello' };
    return {
      ...this.#base(),
      kind: 'action',
      action: 'files.write',
      actionVersion: 1,
      mode: 'apply',
      args,
      planHash: null,
      ...change,
    };
  }

  undoOrder({ id, action, actionVersion, args }: ActionOrder, change: Partial<UndoOrder> = {}): UndoOrder {
    return { ...this.#base(), kind: 'action', action, actionVersion, args, mode: 'undo', undoes: id, ...change };
  }

  shellOrder(change: Partial<ShellOrder> = {}): ShellOrder {
    const base = this.#base();
    return {
      ...base,
      kind: 'shell',
      session: randomUUID(),
      user: 'root',
      columns: 80,
      rows: 24,
      endsAt: base.iat + 3_600_000,
      ...change,
    };
  }

  async sign(order: Order): Promise<string> {
    return await signOrder(order, this.authority, AUTHORITY_KID);
  }

  async run(link: LinkSide, order: Order): Promise<Receipt> {
    link.send({ t: 'order', jws: await this.sign(order) });
    return await waitFor(
      `the receipt of ${order.id}`,
      async () => {
        for (const message of link.messages) {
          if (message.t !== 'receipt') continue;
          const peeked = peekJws(message.jws);
          // Of other orders there may be receipts by a key that was replaced since.
          if (peeked.ok && (peeked.payload as Receipt).order === order.id) return await this.readReceipt(message.jws);
        }
        return null;
      },
      { intervalMs: 2 },
    );
  }

  async readReceipt(jws: string): Promise<Receipt> {
    const key = loadKeyPair(this.config.paths.receiptKeyFile);
    const verified = await verifyReceipt(jws, key?.publicText ?? '');
    if (!verified.ok) throw new Error(`${verified.code}: ${verified.detail}`);
    if (verified.value.node !== this.nodeId) throw new Error('a receipt of another node');
    return verified.value;
  }

  effects(): readonly string[] {
    try {
      const lines = readFileSync(join(this.folder, 'effects.log'), 'utf8').split('\n');
      return lines.filter((line) => line !== '').map((line) => line.replaceAll(`${this.folder}/`, ''));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw error;
    }
  }

  async cleanUp(): Promise<void> {
    await this.kill();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** A node's executor as a real process, with keys, policy and folders of its own. */
export async function createExecutorNode(): Promise<ExecutorNode> {
  program ??= bundleProgram('support/executor-program.ts');
  return new Harness(await program);
}
