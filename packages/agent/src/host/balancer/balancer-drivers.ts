/** HAProxy by its runtime API. */
import {
  countOf,
  type BalancerQueries,
  type BalancerResources,
  type BalancerServer,
  type BalancerTasks,
  type HostFiles,
} from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts, FamilyDrivers } from '../drivers.ts';
import { askRuntime } from './runtime-socket.ts';
import { parseServers, parseWishes } from './server-states.ts';

const ID = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\/[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;
const CONFIG = '/etc/haproxy/haproxy.cfg';
const POLL_MS = 200;

function checkId(id: string): string {
  if (!ID.test(id))
    throw new HaubanError('ACTION_REFUSED', `${JSON.stringify(id.slice(0, 80))} is no name of a server of HAProxy`);
  return id;
}

/** Where HAProxy reads server states back from after a reload; null when it is not set to. */
async function stateFileOf(files: HostFiles): Promise<string | null> {
  const config = await files.state(CONFIG);
  if (config.type !== 'file') return null;
  const lines = config.content.split('\n').map((line) => line.trim());
  const file = lines.flatMap((line) => /^server-state-file\s+(\/[A-Za-z0-9_./-]{1,200})$/.exec(line)?.[1] ?? [])[0];
  return file !== undefined && lines.includes('load-server-state-from-file global') ? file : null;
}

async function loadServers(): Promise<readonly BalancerServer[]> {
  return parseServers(await askRuntime('show servers state'), await askRuntime('show stat'));
}

async function findServer(id: string): Promise<BalancerServer | null> {
  return (await loadServers()).find(({ backend, server }) => `${backend}/${server}` === id) ?? null;
}

/** An empty answer is the good one; anything else is a sentence. */
async function tell(command: string): Promise<void> {
  const answer = (await askRuntime(command)).trim();
  if (answer !== '') throw new HaubanError('PROGRAM_FAILED', `HAProxy: ${answer.slice(0, 300)}`);
}

export function createBalancerDrivers({
  clock,
  files,
  requireRoot,
}: DriverParts): FamilyDrivers<BalancerResources, BalancerTasks, BalancerQueries> {
  /** Before anything else may reload HAProxy: a reload goes back to what this file says. */
  const keepStates = async (): Promise<void> => {
    const file = await stateFileOf(files);
    if (file !== null)
      await files.writeFile(file, await askRuntime('show servers state'), { mode: 0o644, uid: 0, gid: 0 });
  };

  const findNotKept = async (file: string): Promise<readonly string[]> => {
    const kept = await files.state(file);
    const said = kept.type === 'file' ? parseWishes(kept.content) : new Map<string, string>();
    const now = parseWishes(await askRuntime('show servers state'));
    return [...now].filter(([id, wish]) => said.get(id) !== wish).map(([id]) => id);
  };

  return {
    resources: {
      'balancer.server': {
        async read(id) {
          const found = await findServer(checkId(id));
          return found === null ? null : { state: found.state, weight: found.weight };
        },
        async write(id, value) {
          requireRoot('Changing HAProxy');
          if (value === null)
            throw new HaubanError(
              'ACTION_REFUSED',
              `${id} is in HAProxy's configuration: it can not be taken away here`,
            );
          const { state, weight } = value;
          if (!['ready', 'drain', 'maint'].includes(state) || !Number.isInteger(weight) || weight < 0 || weight > 256)
            throw new HaubanError('ACTION_REFUSED', 'that is no state of a server of HAProxy');
          await tell(`set server ${checkId(id)} weight ${weight}`);
          await tell(`set server ${checkId(id)} state ${state}`);
          await keepStates();
        },
      },
    },
    tasks: {
      async 'balancer.wait-idle'({ backend, server, withinS }) {
        const id = checkId(`${backend}/${server}`);
        const deadline = clock.monotonicMs() + withinS * 1000;
        for (;;) {
          const sessions = (await findServer(id))?.sessions ?? 0;
          if (sessions === 0) return;
          if (clock.monotonicMs() > deadline)
            throw new HaubanError(
              'ACTION_FAILED',
              `${id} still serves ${countOf(sessions, 'request')} after ${withinS} s`,
            );
          await new Promise<void>((resolve) => void clock.after(POLL_MS, resolve));
        }
      },
    },
    queries: {
      async 'balancer.servers'() {
        requireRoot('Asking HAProxy');
        const file = await stateFileOf(files);
        return {
          servers: await loadServers(),
          isKept: file !== null,
          notKept: file === null ? [] : await findNotKept(file),
        };
      },
    },
  };
}
