/** A process with some hundreds of nodes. Its one argument is the file of its configuration; it ends with its parent. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemRandom } from '@hauban/link';
import { SeededRandom } from '@hauban/shared/testing';
import { parseNodePolicy } from '@hauban/shared/policy';
import { WebSocket } from 'ws';
import type { LoadedPolicy } from '../../packages/agent/src/executor/index.ts';
import { createRecordedMachine } from './recorded-machine.ts';
import { effectsFile, enrolFleetNode, startFleetNode, type FleetNode } from './fleet-node.ts';
import type { FromNodeHost, NodeHostConfig, ToNodeHost } from './node-host-messages.ts';

const ENROL_AT_ONCE = 8;
const TELL_MS = 20;
const LOOK_MS = 250;

const tell = (message: FromNodeHost): void => void process.send?.(message);

function fail(error: unknown): never {
  const cause = error instanceof Error && error.cause !== undefined ? ` ${JSON.stringify(error.cause)}` : '';
  tell({ t: 'fatal', detail: `${error instanceof Error ? (error.stack ?? error.message) : String(error)}${cause}` });
  process.exit(1);
}

function openPolicy(): LoadedPolicy {
  const parsed = parseNodePolicy({ version: 1, allow: [{ actions: ['*'] }] });
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return { ...parsed, text: '' };
}

async function connectBare(url: string, answerBytes: number, count: number): Promise<void> {
  const connect = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(url, { perMessageDeflate: false });
      const answer = Buffer.alloc(answerBytes, 1);
      socket.on('open', resolve);
      socket.on('error', reject);
      socket.on('message', () => {
        answer.writeDoubleBE(Date.now());
        socket.send(answer);
      });
    });
  for (let at = 0; at < count; at += ENROL_AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(ENROL_AT_ONCE, count - at) }, connect));
}

class NodeHost {
  readonly #config: NodeHostConfig;
  readonly #random: SeededRandom;
  readonly #policy = openPolicy();
  readonly #nodes: FleetNode[] = [];
  #slowMs = 0;
  #changed = 0;
  #acked = 0;
  #told = '';

  constructor(config: NodeHostConfig) {
    this.#config = config;
    this.#random = new SeededRandom(config.seed);
  }

  async start(): Promise<void> {
    const { hostNames, url, joinToken } = this.#config;
    for (let at = 0; at < hostNames.length; at += ENROL_AT_ONCE) {
      const some = hostNames.slice(at, at + ENROL_AT_ONCE);
      await Promise.all(
        some.map((hostName) => enrolFleetNode({ folder: this.#folderOf(hostName), hostName, url }, joinToken)),
      );
    }
    tell({ t: 'enrolled' });
    for (const hostName of hostNames) this.#nodes.push(await this.#startNode(hostName));
    setInterval(() => this.#tell(false), TELL_MS);
    setInterval(() => this.#tell(true), LOOK_MS);
  }

  take(message: ToNodeHost): void {
    switch (message.t) {
      case 'cut':
        for (const at of message.nodes) this.#nodes[at]?.cutLink();
        return;
      case 'slow':
        this.#slowMs = message.ms;
        return;
      case 'bare':
        connectBare(message.url, message.answerBytes, this.#nodes.length).then(() => tell({ t: 'bare-ready' }), fail);
        return;
      case 'stop':
        Promise.all(this.#nodes.map((node) => node.stop())).then(() => process.exit(0), fail);
    }
  }

  #folderOf(hostName: string): string {
    return join(this.#config.folder, hostName);
  }

  async #startNode(hostName: string): Promise<FleetNode> {
    const folder = this.#folderOf(hostName);
    const failing = this.#config.failing
      .filter(({ hostNames }) => hostNames.includes(hostName))
      .map(({ address }) => address);
    // Half of the nodes that fail say so, on the others only a look at the machine shows it.
    const kind = Number.parseInt(hostName.replaceAll(/\D/g, ''), 10) % 2 === 0 ? 'error' : 'no effect';
    const machine = createRecordedMachine({
      file: effectsFile(folder),
      faultOf: (address) => (failing.includes(address) ? kind : null),
      slowMs: () => this.#slowMs * this.#random.unit(),
      changed: () => (this.#changed += 1),
    });
    return await startFleetNode({
      ...{ folder, hostName, machine, url: this.#config.url },
      random: { bytes: systemRandom.bytes, unit: () => systemRandom.unit() * this.#config.waits },
      policy: () => this.#policy,
      fatal: fail,
      acknowledged: () => (this.#acked += 1),
    });
  }

  /** @param looks counts links too, which costs a look at each node */
  #tell(looks: boolean): void {
    const counts = `${this.#changed} ${this.#acked}`;
    if (!looks && counts === this.#told) return;
    this.#told = counts;
    const up = this.#nodes.filter((node) => node.isUp).length;
    tell({ t: 'counts', changed: this.#changed, acked: this.#acked, up });
  }
}

const host = new NodeHost(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as NodeHostConfig);
process.on('message', (message: ToNodeHost) => host.take(message));
process.on('disconnect', () => process.exit(1));
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
await host.start();
