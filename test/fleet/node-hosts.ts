import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../support/wait-for.ts';
import { readProcessUse } from './measure-process.ts';
import type { FromNodeHost, NodeHostConfig, ToNodeHost } from './node-host-messages.ts';

/** All processes with nodes; one that is killed is started again with the same nodes. */
export interface NodeHosts {
  readonly nodeCount: number;
  readonly count: number;
  /** Links that are up, as the nodes see it. */
  readonly up: number;
  /** Changes of machines since the beginning, as far as they were told: what a kill cut off is missing. */
  readonly changed: number;
  readonly acked: number;
  /** Of the processes that run now, and 0 for those before them. */
  readonly cpuMs: number;
  /** Newest word of a node about an acknowledged receipt, Unix ms. */
  readonly ackedAt: number;
  whenEnrolled(): Promise<void>;
  send(message: ToNodeHost): void;
  sendTo(host: number, message: ToNodeHost): void;
  whenBareReady(): Promise<void>;
  /** kill -9, and a new process as soon as it is gone. */
  kill(host: number): void;
  /** Ends all in order. */
  stop(): Promise<void>;
}

interface Host {
  readonly config: NodeHostConfig;
  readonly file: string;
  child: ChildProcess;
  /** Of earlier lives. */
  changedBefore: number;
  ackedBefore: number;
  changed: number;
  acked: number;
  up: number;
  isEnrolled: boolean;
  isBareReady: boolean;
}

const ENROL_WITHIN_MS = 1_800_000;
const STOP_WITHIN_MS = 120_000;

class Hosts implements NodeHosts {
  readonly #program: string;
  readonly #hosts: Host[] = [];
  readonly #fatal: (error: Error) => void;
  #slowMs = 0;
  #isStopping = false;
  ackedAt = 0;

  constructor(program: string, folder: string, configs: readonly NodeHostConfig[], fatal: (error: Error) => void) {
    this.#program = program;
    this.#fatal = fatal;
    for (const [at, config] of configs.entries()) {
      const file = join(folder, `host-${at}.json`);
      writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
      const fresh = { changedBefore: 0, ackedBefore: 0, changed: 0, acked: 0, up: 0 };
      const host: Host = { config, file, ...fresh, isEnrolled: false, isBareReady: false, child: this.#spawn(file) };
      this.#hosts.push(host);
      this.#listen(host);
    }
  }

  get count(): number {
    return this.#hosts.length;
  }
  get nodeCount(): number {
    return this.#sum(({ config }) => config.hostNames.length);
  }
  get up(): number {
    return this.#sum((host) => host.up);
  }
  get changed(): number {
    return this.#sum((host) => host.changedBefore + host.changed);
  }
  get acked(): number {
    return this.#sum((host) => host.ackedBefore + host.acked);
  }

  get cpuMs(): number {
    return this.#sum(({ child }) => readProcessUse(child.pid ?? null)?.cpuMs ?? 0);
  }

  async whenEnrolled(): Promise<void> {
    const isDone = (): boolean => this.#hosts.every((host) => host.isEnrolled);
    await waitFor('every node has enrolled', isDone, { timeoutMs: ENROL_WITHIN_MS });
  }

  async whenBareReady(): Promise<void> {
    const isDone = (): boolean => this.#hosts.every((host) => host.isBareReady);
    await waitFor('every bare connection is open', isDone, { timeoutMs: ENROL_WITHIN_MS });
  }

  send(message: ToNodeHost): void {
    if (message.t === 'slow') this.#slowMs = message.ms;
    for (const at of this.#hosts.keys()) this.sendTo(at, message);
  }

  sendTo(at: number, message: ToNodeHost): void {
    const child = this.#hosts[at]?.child;
    // One that was just killed hears nothing.
    if (child?.connected === true) child.send(message, () => undefined);
  }

  kill(at: number): void {
    this.#hosts[at]?.child.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.send({ t: 'stop' });
    const isOver = ({ child }: Host): boolean => child.exitCode !== null || child.signalCode !== null;
    try {
      await waitFor('the nodes have stopped', () => this.#hosts.every(isOver), { timeoutMs: STOP_WITHIN_MS });
    } finally {
      for (const { child } of this.#hosts) child.kill('SIGKILL');
    }
  }

  #sum(of: (host: Host) => number): number {
    return this.#hosts.reduce((sum, host) => sum + of(host), 0);
  }

  #spawn(file: string): ChildProcess {
    return spawn(process.execPath, [this.#program, file], {
      cwd: '/',
      env: { PATH: '/usr/bin:/bin' },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  }

  #listen(host: Host): void {
    host.child.on('message', (message: FromNodeHost) => this.#take(host, message));
    host.child.on('error', (error) => this.#fatal(error));
    host.child.on('exit', (code, signal) => {
      host.changedBefore += host.changed;
      host.ackedBefore += host.acked;
      Object.assign(host, { changed: 0, acked: 0, up: 0 });
      if (this.#isStopping) return;
      if (signal !== 'SIGKILL') return this.#fatal(new Error(`a process with nodes ended with ${String(code)}`));
      host.child = this.#spawn(host.file);
      this.#listen(host);
      this.sendTo(this.#hosts.indexOf(host), { t: 'slow', ms: this.#slowMs });
    });
  }

  #take(host: Host, message: FromNodeHost): void {
    switch (message.t) {
      case 'counts':
        if (message.acked > host.acked) this.ackedAt = Date.now();
        Object.assign(host, { changed: message.changed, acked: message.acked, up: message.up });
        return;
      case 'enrolled':
        host.isEnrolled = true;
        return;
      case 'bare-ready':
        host.isBareReady = true;
        return;
      case 'fatal':
        this.#fatal(new Error(`a process with nodes: ${message.detail}`));
    }
  }
}

/** @param program what `node-host.ts` was bundled to; @param fatal told of a node that is at fault itself */
export function startNodeHosts(
  program: string,
  folder: string,
  configs: readonly NodeHostConfig[],
  fatal: (error: Error) => void,
): NodeHosts {
  return new Hosts(program, folder, configs, fatal);
}
