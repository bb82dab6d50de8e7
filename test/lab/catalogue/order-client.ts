import { createInterface, type Interface } from 'node:readline';
import { bundleProgram } from '../actions/action-node.ts';
import type { LabNode } from '../apache.ts';
import type { RunningProgram } from '../program.ts';
import type { OrderAnswer, OrderRequest } from './order-driver.ts';

const DRIVER_FILE = '/opt/hauban-driver/orders.mjs';

let bundle: Promise<string> | null = null;

interface Serving {
  readonly program: RunningProgram;
  readonly lines: Interface;
}

/** Orders to a node, one at a time; whoever carries them out is started again after its death. */
export class OrderClient {
  readonly #node: LabNode;
  readonly #nodeProgram: string;
  #serving: Serving | null = null;

  private constructor(node: LabNode, nodeProgram: string) {
    this.#node = node;
    this.#nodeProgram = nodeProgram;
  }

  /** @param nodeProgram where Node is in that node's tree */
  static async putInto(node: LabNode, nodeProgram = process.execPath): Promise<OrderClient> {
    bundle ??= bundleProgram(new URL('order-driver.ts', import.meta.url));
    await node.writeFile(DRIVER_FILE, await bundle);
    return new OrderClient(node, nodeProgram);
  }

  /** Null: it died, as it was told to. */
  async send(request: OrderRequest): Promise<OrderAnswer | null> {
    this.#serving ??= await this.#start();
    const { program, lines } = this.#serving;
    const line = await new Promise<string | null>((resolve) => {
      lines.once('line', resolve);
      lines.once('close', () => resolve(null));
      program.child.stdin?.write(`${JSON.stringify(request)}\n`);
    });
    lines.removeAllListeners('line').removeAllListeners('close');
    if (line === null) {
      const { stderr } = await program.exited;
      this.#serving = null;
      if (request.dies === undefined) throw new Error(`${request.action}: the driver ended: ${stderr.slice(-2000)}`);
      return null;
    }
    const answer = JSON.parse(line) as OrderAnswer | { readonly problem: string };
    if ('problem' in answer) throw new Error(`${request.action}: ${answer.problem}`);
    return answer;
  }

  /** The same for one that has to live to answer. */
  async ask(request: OrderRequest): Promise<OrderAnswer> {
    const answer = await this.send(request);
    if (answer === null) throw new Error(`${request.action}: no answer`);
    return answer;
  }

  async #start(): Promise<Serving> {
    const program = await this.#node.spawn(this.#nodeProgram, [DRIVER_FILE]);
    const { stdout } = program.child;
    if (stdout === null) throw new Error('the driver has no output');
    return { program, lines: createInterface({ input: stdout }) };
  }
}
