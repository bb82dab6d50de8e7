import { access, readlink } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import {
  SUSPENDED_SUFFIX,
  type CandidateFile,
  type HostWeb,
  type HttpProbe,
  type ProbeResult,
  type Rehearsal,
  type WebSite,
} from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import { parseApacheFault, parseDirectives, type RehearsalJob } from '../rehearsal/index.ts';
import { loadApacheFiles } from './apache-files.ts';
import { parseModules, parseSites } from './apache-listing.ts';
import type { ApacheRecord } from './apache-record.ts';
import { findApacheMaster, workersOf } from './apache-processes.ts';
import type { ProcessFacts } from './processes.ts';
import { probeHttp } from './http-probe.ts';
import { PROGRAM_PATHS, type RequireRoot } from './program-paths.ts';
import type { RehearsalAnswer } from './rehearsal-process.ts';
import { runProgram, saidBy } from './run-program.ts';
import { errorCode } from './safe-path.ts';
import { waitUntil } from './wait-until.ts';

const PROBE_TIMEOUT_MS = 10_000;
const REHEARSAL_TIMEOUT_MS = 60_000;
const RELOAD_TIMEOUT_MS = 20_000;
/** So many sites that are not being changed are asked before and after. */
const CANARIES = 2;

/** How the rehearsal process is started: `node main.js rehearse` of whatever bundle we are. */
export interface RehearsalCommand {
  readonly program: string;
  readonly args: readonly string[];
}

export interface ApacheOptions {
  readonly clock: Clock;
  readonly record: ApacheRecord;
  readonly rehearsalCommand: RehearsalCommand;
  readonly requireRoot: RequireRoot;
}

async function list(flag: '-S' | '-M'): Promise<string> {
  const result = await runProgram(PROGRAM_PATHS.apache2ctl, [flag]);
  if (result.status === 0) return result.stdout;
  const fault = parseApacheFault(`${result.stderr}\n${result.stdout}`);
  throw new HaubanError('CONFIG_INVALID', placeText(fault));
}

const placeText = (fault: {
  readonly file: string | null;
  readonly line: number | null;
  readonly problem: string;
}): string => (fault.file === null ? fault.problem : `${fault.file} line ${fault.line ?? 0}: ${fault.problem}`);

async function loadSites(): Promise<readonly WebSite[]> {
  const secure = new Set<string>();
  for (const [file, text] of await loadApacheFiles())
    for (const directive of parseDirectives(file, text))
      if (directive.name === 'sslengine' && directive.args[0]?.toLowerCase() === 'on')
        secure.add(`${file}:${directive.host ?? 0}`);
  return parseSites(await list('-S'), (file, line) => secure.has(`${file}:${line}`));
}

const probeOf = (site: WebSite): HttpProbe => ({
  host: site.serverName,
  path: '/',
  port: site.port,
  ...(site.secure ? { secure: true } : {}),
});

interface Canary {
  readonly site: WebSite;
  readonly probe: HttpProbe;
}

const isWell = (result: ProbeResult | undefined): boolean => result?.ok === true && result.status < 500;
const wellText = (result: ProbeResult | undefined): string => {
  if (result === undefined) return 'was not asked';
  return result.ok ? `answers ${result.status}` : result.problem;
};

/** A suspended site is meant to answer 503: no proof of anything. */
async function isSuspended(file: string): Promise<boolean> {
  try {
    return (await readlink(file)).endsWith(SUSPENDED_SUFFIX);
  } catch (error) {
    // A plain file, or gone.
    if (['EINVAL', 'ENOENT'].includes(errorCode(error) ?? '')) return false;
    throw error;
  }
}

/** Sites that work now: whether they still do is the proof. */
async function chooseCanaries(except: readonly HttpProbe[]): Promise<readonly Canary[]> {
  const chosen: Canary[] = [];
  for (const site of await loadSites()) {
    if (chosen.length === CANARIES) break;
    if (except.some(({ host, port }) => host === site.serverName && port === site.port)) continue;
    if (await isSuspended(site.file)) continue;
    if (isWell(await probeHttp(probeOf(site), PROBE_TIMEOUT_MS))) chosen.push({ site, probe: probeOf(site) });
  }
  return chosen;
}

async function runRehearsalProcess(command: RehearsalCommand, job: RehearsalJob): Promise<Rehearsal> {
  const result = await runProgram(
    PROGRAM_PATHS.unshare,
    [
      '--net',
      '--mount',
      '--propagation',
      'private',
      '--pid',
      '--fork',
      '--kill-child=KILL',
      '--mount-proc',
      '--',
      command.program,
      ...command.args,
    ],
    { stdin: JSON.stringify(job), timeoutMs: REHEARSAL_TIMEOUT_MS },
  );
  if (result.status !== 0)
    throw new HaubanError('REHEARSAL_FAILED', `the rehearsal itself did not run: ${saidBy(result)}`);
  // Our own process, over a pipe that nothing else can write.
  const answer = JSON.parse(result.stdout) as RehearsalAnswer;
  if (!answer.ok) throw new HaubanError('REHEARSAL_FAILED', `the rehearsal itself did not run: ${answer.problem}`);
  return answer.rehearsal;
}

const ownAddresses = (): readonly string[] =>
  Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address);

async function rehearse(
  options: ApacheOptions,
  candidates: readonly CandidateFile[],
  probes: readonly HttpProbe[],
): Promise<Rehearsal> {
  options.requireRoot('A rehearsal of Apache');
  // With a broken configuration there is no list of sites; the rehearsal will say what is broken.
  const canaries = await chooseCanaries(probes).catch((error: unknown): readonly Canary[] => {
    if (error instanceof HaubanError && error.code === 'CONFIG_INVALID') return [];
    throw error;
  });
  const job = { candidates, probes: [...probes, ...canaries.map(({ probe }) => probe)], addresses: ownAddresses() };
  const result = await runRehearsalProcess(options.rehearsalCommand, job);
  if (!result.ok) return result;
  const lost = canaries.find((_, index) => !isWell(result.probes[probes.length + index]));
  if (lost !== undefined) {
    const said = wellText(result.probes[probes.length + canaries.indexOf(lost)]);
    const { serverName, file, line } = lost.site;
    return { ok: false, stage: 'start', file, line, problem: `${serverName} works now and ${said} in the rehearsal` };
  }
  return { ...result, probes: result.probes.slice(0, probes.length) };
}

/** A new generation: workers that were not there before, below the same master. */
async function waitForGeneration(clock: Clock, master: ProcessFacts, before: ReadonlySet<string>): Promise<void> {
  const outcome = await waitUntil(clock, RELOAD_TIMEOUT_MS, async () => {
    const now = await findApacheMaster();
    if (now?.pid !== master.pid || now.startTicks !== master.startTicks) return 'gone';
    const workers = await workersOf(master);
    return [...workers].some((worker) => !before.has(worker)) ? 'serving' : null;
  });
  if (outcome === 'gone')
    throw new HaubanError('ACTION_FAILED', "Apache's master process ended at the graceful reload");
  if (outcome === null) throw new HaubanError('ACTION_FAILED', 'Apache showed no new worker after the graceful reload');
}

async function reload(options: ApacheOptions): Promise<void> {
  options.requireRoot('Reloading Apache');
  const { clock, record } = options;
  const master = await findApacheMaster();
  if (master === null) throw new HaubanError('ACTION_FAILED', 'Apache does not run');
  const loading = await record.take();
  const rehearsal = await rehearse(options, [], []);
  if (!rehearsal.ok)
    throw new HaubanError(rehearsal.stage === 'start' ? 'REHEARSAL_FAILED' : 'CONFIG_INVALID', placeText(rehearsal));
  const canaries = await chooseCanaries([]);
  const before = await workersOf(master);
  const result = await runProgram(PROGRAM_PATHS.apache2ctl, ['graceful']);
  if (result.status !== 0) throw new HaubanError('ACTION_FAILED', `apache2ctl graceful: ${saidBy(result)}`);
  await waitForGeneration(clock, master, before);
  await record.write(master, loading);
  for (const { site, probe } of canaries) {
    const answer = await probeHttp(probe, PROBE_TIMEOUT_MS);
    if (!isWell(answer))
      throw new HaubanError('ACTION_FAILED', `${site.serverName} worked before the reload; now: ${wellText(answer)}`);
  }
}

export function createApache(options: ApacheOptions): HostWeb {
  return {
    async isInstalled() {
      try {
        await access(PROGRAM_PATHS.apache2ctl);
        return true;
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return false;
        throw error;
      }
    },
    isRunning: async () => (await findApacheMaster()) !== null,
    masterPid: async () => (await findApacheMaster())?.pid ?? null,
    modules: async () => parseModules(await list('-M')),
    sites: loadSites,
    pending: () => options.record.pending(),
    rehearse: (candidates, probes) => rehearse(options, candidates, probes),
    reload: () => reload(options),
    probe: (probe) => probeHttp(probe, PROBE_TIMEOUT_MS),
  };
}
