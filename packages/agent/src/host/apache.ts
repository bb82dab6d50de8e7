import { access, readlink } from 'node:fs/promises';
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
import { parseApacheFault, parseDirectives, type RehearsalEnd } from '../rehearsal/index.ts';
import { loadApacheFiles } from './apache-files.ts';
import { parseModules, parseSites } from './apache-listing.ts';
import type { ApacheRecord, TakenFiles } from './apache-record.ts';
import { findApacheMaster, workersOf } from './apache-processes.ts';
import { chooseCanaries, isWell, judgeCanary, wellText, type Canary } from './canaries.ts';
import { findNoRoom } from './live-room.ts';
import type { ProcessFacts } from './processes.ts';
import { probeHttp } from './http-probe.ts';
import { PROGRAM_PATHS, type RequireRoot } from './program-paths.ts';
import { ownAddresses, rehearseApart, type RehearsalCommand } from './rehearse-apart.ts';
import { runProgram, saidBy } from './run-program.ts';
import { errorCode } from './safe-path.ts';
import { waitUntil } from './wait-until.ts';

const PROBE_TIMEOUT_MS = 10_000;
const RELOAD_TIMEOUT_MS = 20_000;

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

async function listSites(texts: ReadonlyMap<string, string>): Promise<readonly WebSite[]> {
  const secure = new Set<string>();
  for (const [file, text] of texts)
    for (const directive of parseDirectives(file, text))
      if (directive.name === 'sslengine' && directive.args[0]?.toLowerCase() === 'on')
        secure.add(`${file}:${directive.host ?? 0}`);
  return parseSites(await list('-S'), (file, line) => secure.has(`${file}:${line}`));
}

const loadSites = async (): Promise<readonly WebSite[]> => listSites(await loadApacheFiles());

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

/** What the live Apache reads, looked at once for all that a rehearsal and a reload need of it. */
interface Live extends TakenFiles {
  /** Null: with a broken configuration there is no list of sites; the rehearsal will say what is broken. */
  readonly sites: readonly WebSite[] | null;
}

async function lookAtLive(record: ApacheRecord): Promise<Live> {
  const taken = await record.take();
  try {
    return { ...taken, sites: await listSites(taken.texts) };
  } catch (error) {
    if (error instanceof HaubanError && error.code === 'CONFIG_INVALID') return { ...taken, sites: null };
    throw error;
  }
}

/** What is changed on purpose is no proof that the others are as before: what was given, and what a hand has changed. */
function chooseUnchanged(
  { pendingFiles, sites }: Live,
  candidates: readonly CandidateFile[],
  probes: readonly HttpProbe[],
): Promise<readonly Canary[]> {
  const names = new Set([
    ...candidates.map(({ path }) => basename(path)),
    ...pendingFiles.map((path) => basename(path)),
  ]);
  return chooseCanaries(
    sites ?? [],
    async ({ serverName, port, file }) =>
      names.has(basename(file)) ||
      probes.some((probe) => probe.host === serverName && probe.port === port) ||
      (await isSuspended(file)),
  );
}

async function rehearse(
  options: ApacheOptions,
  live: Live,
  candidates: readonly CandidateFile[],
  probes: readonly HttpProbe[],
  others: OtherSites,
): Promise<Rehearsal> {
  const canaries = await chooseUnchanged(live, candidates, probes);
  const all = [...probes, ...canaries.flatMap((canary) => canary.probes)];
  const job = { candidates, probes: all, addresses: ownAddresses() };
  const result = await rehearseApart<RehearsalEnd>(options.rehearsalCommand, job);
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
  const live = await lookAtLive(record);
  const rehearsal = await rehearse(options, live, [], [], 'same');
  if (!rehearsal.ok)
    throw new HaubanError(rehearsal.stage === 'start' ? 'REHEARSAL_FAILED' : 'CONFIG_INVALID', placeText(rehearsal));
  const canaries = await chooseCanaries(live.sites ?? (await loadSites()), ({ file }) => isSuspended(file));
  const before = await workersOf(master);
  const result = await runProgram(PROGRAM_PATHS.apache2ctl, ['graceful']);
  if (result.status !== 0) throw new HaubanError('ACTION_FAILED', `apache2ctl graceful: ${saidBy(result)}`);
  await waitForGeneration(clock, master, before);
  await record.write(master, live.fingerprint);
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
    async rehearse(candidates, probes, others = 'same') {
      options.requireRoot('A rehearsal of Apache');
      return rehearse(options, await lookAtLive(options.record), candidates, probes, others);
    },
    reload: () => reload(options),
    probe: (probe) => probeHttp(probe, PROBE_TIMEOUT_MS),
  };
}
