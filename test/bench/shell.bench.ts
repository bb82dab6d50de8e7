import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodePage } from '@hauban/shared/api';
import { makeFirstAccount } from '../support/first-account.ts';
import { freePort, startStandaloneStack } from '../support/standalone-stack.ts';
import type { BenchRow } from './bench-row.ts';
import { openBareRelay, openHauban, openSsh, type TerminalPath } from './terminal-path.ts';

const KEYS = 400;
const WARM_UP = 40;
const BULK_BYTES = 48 * 1024 * 1024;
const SEQ_LINES = 2_000_000;
const ROUNDS = 3;

interface Figures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly bulkMBs: number;
  readonly seqMBs: number;
}

/** Waits for a text in the output, whatever pieces it comes in. @returns bytes that came until then */
function expectText(path: TerminalPath): (text: string) => Promise<number> {
  let tail = '';
  let bytes = 0;
  let wanted: { readonly text: string; readonly found: (bytes: number) => void } | null = null;
  path.onOutput((piece) => {
    bytes += piece.length;
    // Only the end can hold a text that is short.
    tail = (tail + piece.subarray(-200).toString('latin1')).slice(-400);
    if (wanted === null || !tail.includes(wanted.text)) return;
    const { found } = wanted;
    wanted = null;
    tail = '';
    found(bytes);
  });
  return async (text) => {
    bytes = 0;
    return await new Promise((resolve) => {
      wanted = { text, found: resolve };
    });
  };
}

async function throughput(
  path: TerminalPath,
  expectOutput: (text: string) => Promise<number>,
  command: string,
): Promise<number> {
  let best = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const mark = `DONE${round}X`;
    const startedMs = performance.now();
    const arrived = expectOutput(mark);
    // The mark is not in the line that is typed.
    path.type(`${command}; echo DONE"${round}"X\r`);
    const bytes = await arrived;
    best = Math.max(best, bytes / 1e6 / ((performance.now() - startedMs) / 1000));
  }
  return best;
}

/** Echo of single keys by the terminal itself (cat reads them), one after the other; then bulk. */
async function measure(path: TerminalPath, file: string): Promise<Figures> {
  const expectOutput = expectText(path);
  const ready = expectOutput('READY');
  path.type("PS1=; stty -onlcr; echo 'REA''DY'\r");
  await ready;
  const bulkMBs = await throughput(path, expectOutput, `cat ${file}`);
  const seqMBs = await throughput(path, expectOutput, `seq 1 ${SEQ_LINES}`);
  const started = expectOutput('CAT');
  path.type("echo 'CA''T'; cat >/dev/null\r");
  await started;
  const times: number[] = [];
  for (let key = 0; key < KEYS + WARM_UP; key += 1) {
    const sentMs = performance.now();
    const echoed = expectOutput('k');
    path.type('k');
    await echoed;
    if (key >= WARM_UP) times.push(performance.now() - sentMs);
    // A line of the terminal holds 4096 characters.
    if (key % 100 === 99) {
      const ended = expectOutput('\n');
      path.type('\r');
      await ended;
    }
  }
  times.sort((a, b) => a - b);
  const at = (part: number): number => times[Math.floor(times.length * part)] ?? Number.NaN;
  return { p50Ms: at(0.5), p99Ms: at(0.99), bulkMBs, seqMBs };
}

async function measured(open: () => Promise<TerminalPath>, file: string): Promise<Figures> {
  const path = await open();
  try {
    return await measure(path, file);
  } finally {
    path.close();
  }
}

/** Random text in lines, as base64 writes it: what deflate can do least with. */
function writeBulk(path: string): void {
  const random = randomBytes(Math.floor(BULK_BYTES / 77) * 57);
  writeFileSync(path, random.toString('base64').replaceAll(/(.{76})/g, '$1\n'));
}

/** Keystroke echo and throughput of a recorded shell, from the terminal to a client of the API, against a bare relay and ssh. */
export async function runShellBench(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'hauban-bench-'));
  chmodSync(folder, 0o755);
  const file = join(folder, 'bulk.txt');
  writeBulk(file);
  const stack = await startStandaloneStack(process.cwd(), join(folder, 'data'), await freePort());
  try {
    const client = await makeFirstAccount(stack);
    const nodeId = (await client.call<NodePage>('GET', '/api/nodes')).nodes[0]?.id ?? '';
    const bare = await measured(openBareRelay, file);
    const ours = await measured(() => openHauban(client, nodeId), file);
    const canSsh = process.getuid?.() === 0 && existsSync('/usr/sbin/sshd');
    const ssh = canSsh ? await measured(openSsh, file) : null;
    const compared = (figure: keyof Figures): string => {
      const sshSays = ssh === null ? 'not measured (needs root and sshd)' : ssh[figure].toPrecision(3);
      return `bare relay ${bare[figure].toPrecision(3)}, ssh ${sshSays}`;
    };
    const row = (name: string, figure: keyof Figures, unit: string, target?: string): BenchRow => ({
      name,
      value: ours[figure],
      unit,
      floor: bare[figure],
      ratio: ours[figure] / bare[figure],
      ...(target === undefined ? {} : { target }),
      note: compared(figure),
    });
    const sshEcho = ssh === null ? '' : `<= ${(ssh.p99Ms + 2).toFixed(1)} ms (ssh + 2)`;
    return [
      row('shell, echo of a key, p50', 'p50Ms', 'ms'),
      row('shell, echo of a key, p99', 'p99Ms', 'ms', sshEcho),
      row('shell, bulk output (base64), recorded', 'bulkMBs', 'MB/s', '>= 0.8 x bare relay'),
      row('shell, output of seq, recorded', 'seqMBs', 'MB/s', '>= 0.8 x bare relay'),
    ];
  } finally {
    await stack.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
