import { access, readlink } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { basename } from 'node:path';
import {
  SUSPENDED_SUFFIX,
  type CandidateFile,
  type HostWeb,
  type HttpProbe,
  type OtherSites,
  type Rehearsal,
  type WebSite,
} from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import { parseApacheFault, parseDirectives, type RehearsalEnd, type RehearsalJob } from '../rehearsal/index.ts';
import { loadApacheFiles } from './apache-files.ts';
import { parseModules, parseSites } from './apache-listing.ts';
import type { ApacheRecord } from './apache-record.ts';
import { findApacheMaster, workersOf } from './apache-processes.ts';
import { chooseCanaries, isWell, judgeCanary, wellText, type Canary } from './canaries.ts';
import { findNoRoom } from './live-room.ts';
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

/** With a broken configuration there is no list of sites; the rehearsal will say what is broken. */
async function loadSitesQuietly(): Promise<readonly WebSite[]> {
  try {
    return await loadSites();
  } catch (error) {
    if (error instanceof HaubanError && error.code === 'CONFIG_INVALID') return [];
    throw error;
  }
}

async function runRehearsalProcess(command: RehearsalCommand, job: RehearsalJob): Promise<RehearsalEnd> {
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

/** What is changed on purpose is no proof that the others are as before: what was given, and what a hand has changed. */
async function chooseUnchanged(
  { record }: ApacheOptions,
  candidates: readonly CandidateFile[],
  probes: readonly HttpProbe[],
): Promise<readonly Canary[]> {
  const names = new Set([
    ...candidates.map(({ path }) => basename(path)),
    ...(await record.pendingFiles()).map((path) => basename(path)),
  ]);
  return chooseCanaries(
    await loadSitesQuietly(),
    async ({ serverName, port, file }) =>
      names.has(basename(file)) ||
      probes.some((probe) => probe.host === serverName && probe.port === port) ||
      (await isSuspended(file)),
  );
}

async function rehearse(
  options: ApacheOptions,
  candidates: readonly CandidateFile[],
  probes: readonly HttpProbe[],
  others: OtherSites,
): Promise<Rehearsal> {
  options.requireRoot('A rehearsal of Apache');
  const canaries = await chooseUnchanged(options, candidates, probes);
  const all = [...probes, ...canaries.flatMap((canary) => canary.probes)];
  const job = { candidates, probes: all, addresses: ownAddresses() };
  const result = await runRehearsalProcess(options.rehearsalCommand, job);
  if (!result.ok) return result;
  let at = probes.length;
  for (const canary of canaries) {
    const after = result.probes.slice(at, at + canary.probes.length);
    at += canary.probes.length;
    const { file, line, serverName } = canary.site;
    const lost = isWell(after[0]) ? null : `${serverName} works now and ${wellText(after[0])} in the rehearsal`;
    const problem = others === 'same' ? judgeCanary(canary, after) : lost;
    if (problem !== null) return { ok: false, stage: 'start', file, line, problem };
  }
  const noRoom = await findNoRoom(result, await findApacheMaster());
  if (noRoom !== null) return { ok: false, stage: 'check', ...noRoom };
  return { ok: true, probes: result.probes.slice(0, probes.length), tookMs: result.tookMs };
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
  const rehearsal = await rehearse(options, [], [], 'same');
  if (!rehearsal.ok)
    throw new HaubanError(rehearsal.stage === 'start' ? 'REHEARSAL_FAILED' : 'CONFIG_INVALID', placeText(rehearsal));
  const canaries = await chooseCanaries(await loadSites(), ({ file }) => isSuspended(file));
  const before = await workersOf(master);
  const result = await runProgram(PROGRAM_PATHS.apache2ctl, ['graceful']);
  if (result.status !== 0) throw new HaubanError('ACTION_FAILED', `apache2ctl graceful: ${saidBy(result)}`);
  await waitForGeneration(clock, master, before);
  await record.write(master, loading);
  for (const { site, probes } of canaries) {
    const [first] = probes;
    if (first === undefined) continue;
    const answer = await probeHttp(first, PROBE_TIMEOUT_MS);
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
    rehearse: (candidates, probes, others = 'same') => rehearse(options, candidates, probes, others),
    reload: () => reload(options),
    probe: (probe) => probeHttp(probe, PROBE_TIMEOUT_MS),
  };
}
