import type { RunDetail } from '@hauban/shared/api';
import { RestRefusal, type RestClient } from '../../support/first-account.ts';
import type { StandaloneStack } from '../../support/standalone-stack.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { CaseReport } from './chaos-report.ts';
import type { JournalWatch } from './journal-watch.ts';
import { bannedAddresses, linkedVersion, loadPage, tracesOfAccount, userIdOf } from './machine-facts.ts';
import type { ChaosAction, ChaosCase } from './plan-chaos.ts';

/** What a hoster's program does when the controller does not answer: the same request again, with the same key. */
const RETRY_MS = 150;
const SETTLED_WITHIN_MS = 90_000;
const BACK_WITHIN_MS = 30_000;

/** The account that php.switch-version works on all the time. */
export const SWITCHED = { name: 'switched', domain: 'switched.example.net' } as const;

export interface ChaosWorld {
  readonly stack: StandaloneStack;
  readonly client: RestClient;
  readonly nodeId: string;
  readonly seed: number;
  readonly journal: JournalWatch;
  /** Usual time of each action, measured before the first kill. */
  readonly usualMs: ReadonlyMap<ChaosAction, number>;
  /** Bans that are known to hold, oldest first; unban takes from the front. */
  readonly banned: string[];
  /** Times (Unix ms) in which the link process was dead. */
  readonly deadLink: { readonly fromMs: number; readonly toMs: number }[];
  nextNumber(): number;
}

/** One order and how to see on the machine what it has done. */
interface Errand {
  readonly action: ChaosAction;
  readonly args: Record<string, unknown>;
  /** What is wrong when the order's outcome is `isDone`; empty is well. */
  check(isDone: boolean): Promise<string[]>;
}

/** Addresses of documentation (TEST-NET 1 to 3): nobody has them. */
function testAddress(number: number): string {
  const nets = ['192.0.2', '198.51.100', '203.0.113'];
  return `${nets[Math.floor(number / 250) % nets.length] ?? ''}.${(number % 250) + 1}`;
}

function banErrand(world: ChaosWorld, address: string): Errand {
  return {
    action: 'firewall.ban',
    args: { targets: [address], durationS: 3600, reason: 'scan' },
    check: async (isDone) => {
      const isBanned = (await bannedAddresses()).has(address);
      if (isBanned) world.banned.push(address);
      return isBanned === isDone ? [] : [`${address} is ${isBanned ? '' : 'not '}banned in the kernel`];
    },
  };
}

function unbanErrand(world: ChaosWorld, address: string): Errand {
  return {
    action: 'firewall.unban',
    args: { targets: [address] },
    check: async (isDone) => {
      const isBanned = (await bannedAddresses()).has(address);
      if (isBanned) world.banned.push(address);
      return isBanned === isDone ? [`${address} is ${isBanned ? 'still' : 'no longer'} banned in the kernel`] : [];
    },
  };
}

function accountErrand(number: number): Errand {
  const name = `acc${number}`;
  const domain = `${name}.example.net`;
  return {
    action: 'account.create',
    args: { name, domain, phpVersion: '8.2' },
    check: async (isDone) => {
      const traces = tracesOfAccount(name, domain);
      const page = await loadPage(domain);
      if (!isDone) {
        const left = traces.map((trace) => `${trace} is left of account ${name}`);
        return page.body.includes('runs as uid') ? [...left, `${domain} is served`] : left;
      }
      const uid = userIdOf(name);
      const isServed = page.status === 200 && page.body.includes(`runs as uid ${String(uid)}.`);
      return [
        ...(traces.length === 7 ? [] : [`account ${name} has only ${traces.join(', ')}`]),
        ...(isServed ? [] : [`${domain} answers ${page.status}: ${page.body.slice(0, 100)}`]),
      ];
    },
  };
}

function switchErrand(version: string, before: string): Errand {
  return {
    action: 'php.switch-version',
    args: { account: SWITCHED.name, version },
    check: async (isDone) => {
      const wanted = isDone ? version : before;
      const linked = linkedVersion(SWITCHED.name);
      const page = await loadPage(SWITCHED.domain);
      const isServed = page.status === 200 && page.body.includes(`PHP ${wanted}.`);
      return [
        ...(linked === wanted ? [] : [`${SWITCHED.name} is linked to PHP ${String(linked)}, not ${wanted}`]),
        ...(isServed
          ? []
          : [`${SWITCHED.domain} answers ${page.status} and not PHP ${wanted}: ${page.body.slice(0, 100)}`]),
      ];
    },
  };
}

/** The next order of that kind. An unban without a ban to lift is a ban. */
export function nextErrand(world: ChaosWorld, action: ChaosAction): Errand {
  const number = world.nextNumber();
  switch (action) {
    case 'firewall.ban':
      return banErrand(world, testAddress(number));
    case 'firewall.unban': {
      const address = world.banned.shift();
      return address === undefined ? banErrand(world, testAddress(number)) : unbanErrand(world, address);
    }
    case 'account.create':
      return accountErrand(number);
    case 'php.switch-version': {
      const before = linkedVersion(SWITCHED.name) ?? 'none';
      return switchErrand(before === '8.2' ? '8.4' : before === '8.4' ? '7.4' : '8.2', before);
    }
  }
}

const isDone = (state: string): boolean => state === 'succeeded' || state === 'unchanged';

/** A controller that is being started, or whose database is, answers with these or not at all. */
function mayTryAgain(error: unknown): boolean {
  return !(error instanceof RestRefusal) || error.status >= 500 || error.status === 429;
}

async function untilAnswered<T>(
  what: string,
  ask: () => Promise<T>,
): Promise<{ readonly value: T; readonly times: number }> {
  const endsAtMs = performance.now() + SETTLED_WITHIN_MS;
  for (let times = 1; ; times += 1) {
    try {
      return { value: await ask(), times };
    } catch (error) {
      if (!mayTryAgain(error)) throw error;
      if (performance.now() > endsAtMs) throw new Error(`${what} was not answered`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** Sends one order as a program does that trusts nothing but an answer; resolves with its outcome. */
export async function runErrand(
  world: ChaosWorld,
  errand: Errand,
  key: string,
): Promise<{ readonly run: RunDetail; readonly posts: number }> {
  const { client, nodeId } = world;
  const request = { action: errand.action, args: errand.args, nodes: [nodeId], mode: 'apply', idempotencyKey: key };
  const posted = await untilAnswered('POST /api/runs', () => client.call<RunDetail>('POST', '/api/runs', request));
  const run = await waitFor(
    `the outcome of ${errand.action}`,
    async () => {
      const { value } = await untilAnswered('GET /api/runs', () =>
        client.call<RunDetail>('GET', `/api/runs/${posted.value.id}?waitMs=3000`),
      );
      return value.finishedAt === null ? null : value;
    },
    { timeoutMs: SETTLED_WITHIN_MS, intervalMs: 10 },
  );
  return { run, posts: posted.times };
}

/** Everything is up: a node that is linked and a process of each part. */
export async function untilWhole(world: ChaosWorld): Promise<void> {
  await waitFor(
    'everything is up again',
    async () => {
      if ((['link', 'executor', 'controller', 'postgres'] as const).some((part) => world.stack.pid(part) === null))
        return null;
      const node = await world.client
        .call<{ state: string }>('GET', `/api/nodes/${world.nodeId}`)
        .catch((error: unknown) => void error);
      return node?.state === 'up';
    },
    { timeoutMs: BACK_WITHIN_MS, intervalMs: 100 },
  );
}

/** Kills a part at that moment of a fresh order, waits for the outcome and compares the machine with it. */
export async function runCase(world: ChaosWorld, round: number, one: ChaosCase): Promise<CaseReport> {
  const { stack, journal, seed } = world;
  await untilWhole(world);
  const errand = nextErrand(world, one.action);
  const delayMs = one.moment * (world.usualMs.get(errand.action) ?? 500);
  const running = runErrand(world, errand, `chaos-${seed}-${round}-${one.target}`);
  // Looked at when awaited below; a refusal before that must not end the process.
  running.catch((error: unknown) => void error);
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  const pid = stack.pid(one.target);
  const killedMs = performance.now();
  const killedAt = Date.now();
  if (pid !== null) process.kill(pid, 'SIGKILL');
  journal.look();
  const watch = one.target === 'link' ? watchLinkReturn(world, pid, killedAt) : Promise.resolve();
  const { run, posts } = await running;
  const settledMs = performance.now() - killedMs;
  journal.look();
  const target = run.targets[0];
  const outcome = target?.state ?? 'no target';
  const problems = [
    ...(pid === null ? [`${one.target} was not running`] : []),
    ...(outcome === 'undetermined' ? [`undetermined: ${target?.detail ?? ''}`] : []),
    ...(outcome !== 'expired' && !journal.hasReceipt(target?.orderId ?? '')
      ? ['its receipt is not in the order journal']
      : []),
    ...(await errand.check(isDone(outcome))).map((problem) => `${outcome} (${target?.detail ?? ''}), but ${problem}`),
  ];
  await watch;
  const { code = null, orderId = '' } = target ?? {};
  process.stderr.write(
    `chaos: round ${round} ${one.target} at ${one.moment} of ${errand.action}: ${outcome} ${code ?? ''} after ${Math.round(settledMs)} ms${problems.map((text) => `\n  PROBLEM ${text}`).join('')}\n`,
  );
  return { ...one, action: errand.action, round, orderId, outcome, code, settledMs, posts, problems };
}

/** How long the node had no link process: no tick can be taken then. */
async function watchLinkReturn(world: ChaosWorld, killed: number | null, fromMs: number): Promise<void> {
  await waitFor('a new link process', () => {
    const pid = world.stack.pid('link');
    return pid !== null && pid !== killed;
  });
  await untilWhole(world);
  world.deadLink.push({ fromMs, toMs: Date.now() });
}
