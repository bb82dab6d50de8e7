import { randomBytes } from 'node:crypto';
import { HaubanError } from '@hauban/shared/errors';
import { ACTIONS, type ActionDefinition } from '@hauban/shared/actions';
import type { CustomPin } from '@hauban/shared/policy';
import type { Clock } from '@hauban/shared/time';
import { CustomCatalogue } from '../../../packages/agent/src/executor/custom-catalogue.ts';
import type { CustomParts } from '../../../packages/agent/src/host/custom/custom-parts.ts';
import type { HostReceiptKeys } from '../../../packages/agent/src/host/drivers.ts';
import { createRealHost, ROOT_TRUST, type NeverBan, type RealHost } from '../../../packages/agent/src/host/index.ts';

/** What the real host of a driver in a node has to be told. */
export interface DriverHostOptions {
  /** Null: neither policy nor controller are known, as at boot. */
  readonly neverBan?: readonly NeverBan[] | null;
  /** What root's policy file says of the hoster's own actions. */
  readonly custom?: readonly CustomPin[];
  readonly receiptKeys?: HostReceiptKeys;
}

const CUSTOM = {
  folder: '/etc/hauban/actions',
  copies: '/var/lib/hauban-custom-run',
  trust: ROOT_TRUST,
  printed: () => undefined,
};

const pinsOf =
  (custom: readonly CustomPin[]): CustomParts['pinOf'] =>
  (name) => {
    const pin = custom.find((one) => one.name === name);
    return pin === undefined ? { ok: false, detail: `the request has no pin for ${name}` } : { ok: true, pin };
  };

/** The action of that name: one of ours, or one that root has allowed in the request's pins. */
export async function findAction({
  action,
  custom = [],
}: DriverHostOptions & { readonly action: string }): Promise<ActionDefinition> {
  const catalogue = new CustomCatalogue(ACTIONS, { ...CUSTOM, pinOf: pinsOf(custom) });
  await catalogue.refresh(action);
  const found = catalogue.get(action);
  const why = catalogue.whyNot(action);
  if (found === undefined) throw new HaubanError(why?.code ?? 'ACTION_UNKNOWN', why?.detail ?? action);
  return found;
}

export const DRIVER_CLOCK: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  every: (periodMs, callback) => {
    const timer = setInterval(callback, periodMs);
    return { cancel: () => clearInterval(timer) };
  },
};

/** Folder of the host's own notes. */
export const STATE_FOLDER = '/var/lib/hauban-driver';

/** The machine itself, as the executor has it; its rehearsals are this very program. */
export function createDriverHost({ neverBan = [], custom = [], receiptKeys }: DriverHostOptions): RealHost {
  return createRealHost({
    clock: DRIVER_CLOCK,
    random: { bytes: (length) => randomBytes(length), unit: () => randomBytes(4).readUInt32BE() / 2 ** 32 },
    stateDirectory: STATE_FOLDER,
    rehearsalCommand: { program: process.execPath, args: [process.argv[1] ?? '', 'rehearse'] },
    ...(receiptKeys === undefined ? {} : { receiptKeys }),
    custom: { ...CUSTOM, pinOf: pinsOf(custom) },
    neverBan: () =>
      neverBan === null
        ? Promise.reject(new HaubanError('UNAVAILABLE', 'no name server answers yet'))
        : Promise.resolve(neverBan),
  });
}
