import type { CandidateFile, HttpProbe, ProbeResult, Rehearsal } from '@hauban/shared/actions';
import { parseDirectives, type Directive } from './apache-directives.ts';
import { parseApacheFault, type Fault } from './apache-fault.ts';
import { checkCertificates } from './certificate-check.ts';
import { checkNames } from './site-names.ts';

/** One rehearsal: what to lay over the configuration, whom to ask, and the addresses that this node listens on. */
export interface RehearsalJob {
  readonly candidates: readonly CandidateFile[];
  readonly probes: readonly HttpProbe[];
  /** Put on `lo` of the private network, so that `Listen 192.0.2.5:80` can be obeyed. */
  readonly addresses: readonly string[];
}

/** The started candidate. */
export interface RehearsedServer {
  /** Resolves when its master has written its pid file and it listens, or when it has ended. */
  readonly outcome: Promise<'serving' | 'ended'>;
}

/** What the rehearsal needs of the private namespaces that it runs in. */
export interface RehearsalTools {
  /** tmpfs over run, lock and log folders; a copy of the configuration with the candidates over the live one; lo up. */
  prepare(job: RehearsalJob): Promise<void>;
  /** Files that Apache would load, by path, with their text. */
  loadConfiguration(): Promise<ReadonlyMap<string, string>>;
  readText(path: string): Promise<string | null>;
  configTest(): Promise<{ readonly ok: boolean; readonly said: string }>;
  start(): RehearsedServer;
  /** All that it has printed and logged; the log folders were empty before. */
  readLogs(): Promise<string>;
  probe(probe: HttpProbe): Promise<ProbeResult>;
  /** Of the started master. */
  footprint(): Promise<Footprint>;
  monotonicMs(): number;
}

/** What the started candidate takes of the machine; in private namespaces there is always enough. */
export interface Footprint {
  readonly listeners: readonly { readonly address: string; readonly port: number; readonly inode: string }[];
  readonly openFiles: number;
}

/** Where the configuration says which port is listened on. */
export interface ListenPlace {
  readonly file: string;
  readonly line: number;
  readonly port: number;
}

/** A rehearsal, and what the caller has to compare with the live server. */
export type RehearsalEnd =
  | Extract<Rehearsal, { ok: false }>
  | (Extract<Rehearsal, { ok: true }> & { readonly footprint: Footprint; readonly listens: readonly ListenPlace[] });

type Failed = Extract<Rehearsal, { ok: false }>;
const failed = (stage: Failed['stage'], fault: Fault): Failed => ({ ok: false, stage, ...fault });

/** A fault without a place that names a file which one directive names too has that directive's place. */
function placeByFile(fault: Fault, directives: readonly Directive[]): Fault {
  if (fault.file !== null) return fault;
  const paths = directives.filter(
    ({ args }) => (args[0] ?? '').startsWith('/') && fault.problem.includes(args[0] ?? ''),
  );
  // The key rather than the certificate, where both are named: the last one in the sentence.
  const found = paths
    .toSorted((a, b) => fault.problem.indexOf(a.args[0] ?? '') - fault.problem.indexOf(b.args[0] ?? ''))
    .at(-1);
  return found === undefined ? fault : { ...fault, file: found.file, line: found.line };
}

/**
 * Tries the candidate configuration for real: Apache's own test, our checks of certificates and names, then a
 * start in the namespaces that we are in, and requests to it. Whoever called ends the namespaces and with them all
 * that runs there.
 */
export async function runRehearsal(job: RehearsalJob, tools: RehearsalTools): Promise<RehearsalEnd> {
  const startedMs = tools.monotonicMs();
  await tools.prepare(job);
  const test = await tools.configTest();
  if (!test.ok) return failed('configtest', parseApacheFault(test.said));
  const files = await tools.loadConfiguration();
  const directives = [...files].flatMap(([file, text]) => parseDirectives(file, text));
  const mismatch = await checkCertificates(directives, (path) => tools.readText(path));
  if (mismatch !== null) return failed('check', mismatch);
  const taken = checkNames(directives);
  if (taken !== null) return failed('check', taken);
  const server = tools.start();
  if ((await server.outcome) === 'ended')
    return failed('start', placeByFile(parseApacheFault(await tools.readLogs()), directives));
  const probes: ProbeResult[] = [];
  for (const probe of job.probes) probes.push(await tools.probe(probe));
  const listens = directives.flatMap(({ name, args, file, line }) =>
    name === 'listen' ? [{ file, line, port: Number(/(\d+)$/.exec(args[0] ?? '')?.[1]) }] : [],
  );
  const tookMs = tools.monotonicMs() - startedMs;
  return { ok: true, probes, tookMs, footprint: await tools.footprint(), listens };
}
