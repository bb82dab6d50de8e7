import type { CandidateFile, HttpProbe, ProbeResult, Rehearsal } from '@hauban/shared/actions';
import { parseDirectives, type Directive } from './apache-directives.ts';
import { parseApacheFault, type Fault } from './apache-fault.ts';
import { checkCertificates } from './certificate-check.ts';

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
  monotonicMs(): number;
}

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
 * Tries the candidate configuration for real: Apache's own test, our check of certificates against keys, then a
 * start in the namespaces that we are in, and requests to it. Whoever called ends the namespaces and with them all
 * that runs there.
 */
export async function runRehearsal(job: RehearsalJob, tools: RehearsalTools): Promise<Rehearsal> {
  const startedMs = tools.monotonicMs();
  await tools.prepare(job);
  const test = await tools.configTest();
  if (!test.ok) return failed('configtest', parseApacheFault(test.said));
  const files = await tools.loadConfiguration();
  const directives = [...files].flatMap(([file, text]) => parseDirectives(file, text));
  const mismatch = await checkCertificates(directives, (path) => tools.readText(path));
  if (mismatch !== null) return failed('check', mismatch);
  const server = tools.start();
  if ((await server.outcome) === 'ended')
    return failed('start', placeByFile(parseApacheFault(await tools.readLogs()), directives));
  const probes: ProbeResult[] = [];
  for (const probe of job.probes) probes.push(await tools.probe(probe));
  return { ok: true, probes, tookMs: tools.monotonicMs() - startedMs };
}
