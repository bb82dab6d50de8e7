import type { GuestRow, GuestState } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import { waitUntil } from '../wait-until.ts';
import type { ProxmoxConfig } from './hypervisor-config.ts';
import type { Hypervisor } from './hypervisor.ts';
import { plainText, type ProxmoxApi } from './proxmox-api.ts';

const TASK_TIMEOUT_MS = 14 * 60_000;
const TASK_EVERY_MS = 1000;
/** Proxmox waits in its task for the guest; we ask again ourselves, so each task is short. */
const ASK_TIMEOUT_S = '8';

export type Row = Readonly<Record<string, unknown>>;
export const asRow = (value: unknown): Row => (typeof value === 'object' && value !== null ? { ...value } : {});
export const asRows = (value: unknown): readonly Row[] => (Array.isArray(value) ? value.map(asRow) : []);
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const countOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

/** 100 is the first that Proxmox gives. */
const VMID = /^[1-9][0-9]{2,8}$/;
const GUEST = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const SNAPSHOT = /^[A-Za-z][A-Za-z0-9_-]{1,39}$/;

export function checkVmid(identity: string): string {
  if (!VMID.test(identity))
    throw new HaubanError('ACTION_REFUSED', `${JSON.stringify(identity.slice(0, 60))} is no number of a guest`);
  return identity;
}

const stateOf = (row: Row): GuestState => {
  if (row['qmpstatus'] === 'paused') return 'paused';
  if (row['status'] === 'running') return 'running';
  return row['status'] === 'stopped' ? 'off' : 'other';
};

/** A name that is none is shown as its number: names come from whoever may make guests there. */
function rowOf(row: Row): GuestRow[] {
  const identity = String(countOf(row['vmid']) ?? '');
  if (!VMID.test(identity) || row['template'] === 1) return [];
  const name = textOf(row['name']);
  const cpus = countOf(row['cpus']);
  const memoryBytes = countOf(row['maxmem']);
  return [
    {
      name: GUEST.test(name) ? name : `guest-${identity}`,
      identity,
      state: stateOf(row),
      ...(cpus === undefined ? {} : { cpus }),
      ...(memoryBytes === undefined ? {} : { memoryMiB: Math.floor(memoryBytes / 1024 ** 2) }),
    },
  ];
}

export interface Tasks {
  /** The number of a task of this node; UNAVAILABLE for anything else. */
  checkUpid(answer: unknown): string;
  /** Waits for the end of the task that the answer names; ACTION_FAILED with its words when that is not OK. */
  finish(answer: unknown, what: string): Promise<void>;
}

export function createTasks(api: ProxmoxApi, node: string, clock: Clock, timeoutMs = TASK_TIMEOUT_MS): Tasks {
  const checkUpid = (answer: unknown): string => {
    const upid = textOf(answer);
    if (!/^UPID:[A-Za-z0-9.-]{1,63}(?::[A-Za-z0-9._@!-]*){6}:$/.test(upid) || upid.split(':')[1] !== node)
      throw new HaubanError('UNAVAILABLE', 'Proxmox VE: the answer names no task of this node');
    return upid;
  };
  const finish = async (answer: unknown, what: string): Promise<void> => {
    const path = `/nodes/${node}/tasks/${encodeURIComponent(checkUpid(answer))}/status`;
    const end = await waitUntil(
      clock,
      timeoutMs,
      async () => {
        const task = asRow(await api.call('GET', path));
        return task['status'] === 'stopped' ? plainText(textOf(task['exitstatus'])) : null;
      },
      TASK_EVERY_MS,
    );
    if (end === 'OK') return;
    throw new HaubanError('ACTION_FAILED', `Proxmox VE, ${what}: ${end ?? 'its task has not come to an end'}`);
  };
  return { checkUpid, finish };
}

/** One node of Proxmox VE. Every change there is a task that has to be waited for: its number says nothing yet. */
export function createProxmox(
  api: ProxmoxApi,
  { node, hosts }: Pick<ProxmoxConfig, 'node' | 'hosts'>,
  clock: Clock,
): Hypervisor {
  const base = `/nodes/${node}`;
  const nodeOf = (to: string): string => {
    if (hosts.some(({ name }) => name === to)) return to;
    throw new HaubanError('ACTION_REFUSED', `${to.slice(0, 63)} is not a host that root has named`);
  };
  const guestPath = (identity: string): string => `${base}/qemu/${checkVmid(identity)}`;
  const list = async (): Promise<readonly GuestRow[]> =>
    asRows(await api.call('GET', `${base}/qemu`))
      .flatMap(rowOf)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));

  const { checkUpid, finish } = createTasks(api, node, clock);
  const change = async (identity: string, verb: string, what: string): Promise<void> =>
    finish(await api.call('POST', `${guestPath(identity)}/status/${verb}`, {}), what);
  const snapshotPath = (identity: string, snapshot: string): string => {
    if (!SNAPSHOT.test(snapshot))
      throw new HaubanError('ACTION_REFUSED', 'Proxmox VE wants two characters or more as the name of a snapshot');
    return `${guestPath(identity)}/snapshot/${snapshot}`;
  };

  return {
    hosts: hosts.map(({ name }) => name),
    async migrate(identity, { to, isRunning, disks }) {
      if (disks === 'copied') throw new HaubanError('ACTION_REFUSED', 'Proxmox VE moves guests on shared storage here');
      const form = { target: nodeOf(to), online: isRunning ? '1' : '0' };
      await finish(await api.call('POST', `${guestPath(identity)}/migrate`, form), 'moving a guest');
    },
    // Its own task refuses disks that lie on the node alone.
    localDisks: () => Promise.resolve([]),
    isAt: async (identity, to) =>
      asRows(await api.call('GET', `/nodes/${nodeOf(to)}/qemu`)).some(
        (row) => String(row['vmid']) === checkVmid(identity),
      ),
    guests: list,
    async facts(guest) {
      const found = (await list()).filter(({ name }) => name === guest);
      const [row] = found;
      if (row === undefined) return null;
      if (found.length > 1)
        throw new HaubanError(
          'ACTION_REFUSED',
          `${found.length} guests are called ${guest}: give each a name of its own`,
        );
      const now = asRow(await api.call('GET', `${guestPath(row.identity)}/status/current`));
      const run = countOf(now['pid']);
      return { name: guest, identity: row.identity, state: stateOf(now), run: run === undefined ? '' : String(run) };
    },
    start: (identity) => change(identity, 'start', 'start'),
    async askToShutDown(identity) {
      // Whether the guest went down is seen on the guest; that its task ran out of time says nothing more.
      checkUpid(await api.call('POST', `${guestPath(identity)}/status/shutdown`, { timeout: ASK_TIMEOUT_S }));
    },
    cut: (identity) => change(identity, 'stop', 'stop'),
    async snapshots(identity) {
      const rows = asRows(await api.call('GET', `${guestPath(identity)}/snapshot`));
      const names = rows.map((row) => textOf(row['name'])).filter((name) => SNAPSHOT.test(name) && name !== 'current');
      // `current` is no snapshot but where the guest stands; its parent is the one that it stands on.
      const parent = textOf(rows.find((row) => row['name'] === 'current')?.['parent']);
      return { names, current: names.includes(parent) ? parent : null };
    },
    async takeSnapshot(identity, snapshot) {
      snapshotPath(identity, snapshot);
      const form = { snapname: snapshot, vmstate: '1' };
      await finish(await api.call('POST', `${guestPath(identity)}/snapshot`, form), 'snapshot');
    },
    removeSnapshot: async (identity, snapshot) =>
      finish(await api.call('DELETE', snapshotPath(identity, snapshot)), 'removing a snapshot'),
    revert: async (identity, snapshot) =>
      finish(await api.call('POST', `${snapshotPath(identity, snapshot)}/rollback`, {}), 'going back to a snapshot'),
  };
}
