import Type from 'typebox';
import type { Verified } from '../define-action.ts';
import type { Host } from '../host.ts';
import { refuse, type Planner } from '../planner.ts';
import type { GuestFacts } from './hypervisor-host.ts';

/** A guest that is there. A name never begins like an option; the drivers go on with the guest's own id. */
export const GuestName = Type.String({
  pattern: '^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$',
  maxLength: 63,
  title: 'Guest',
  description: 'As guest.list shows it',
});

export const SnapshotName = Type.String({
  pattern: '^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$',
  maxLength: 40,
  title: 'Snapshot',
  description: 'Lower-case letters, digits, dashes; a letter first',
});
/** Also the host name of the new guest, and a name of a folder. */
export const NewGuestName = Type.String({
  pattern: '^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$',
  maxLength: 63,
  title: 'Guest',
  description: 'Lower-case letters, digits, dashes: it is its host name too',
});
export const TemplateName = Type.String({
  pattern: '^[a-z0-9](?:[a-z0-9.-]{0,38}[a-z0-9])?$',
  maxLength: 40,
  title: 'Template',
  description: 'A disk in /etc/hosting/guests/templates, without .qcow2',
});
export const BridgeName = Type.String({
  pattern: '^[a-z](?:[a-z0-9.-]{0,13}[a-z0-9])?$',
  maxLength: 15,
  title: 'Bridge',
  description: 'One of those that /etc/hosting/hypervisor.toml names',
});

export const HostName = Type.String({
  pattern: '^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$',
  maxLength: 63,
  title: 'To',
  description: 'One of the hosts that /etc/hosting/hypervisor.toml names',
});

export const GuestArgs = Type.Object({ guest: GuestName }, { additionalProperties: false });

export const WaitS = Type.Integer({
  minimum: 5,
  maximum: 900,
  title: 'Wait',
  description: 'Seconds that the guest has for it; default 120',
});
export const DEFAULT_WAIT_S = 120;

export const guestLocks = ({ guest }: { readonly guest: string }): readonly string[] => [`guest:${guest}`];

/** Facts of a guest that is there; else the plan is refused. */
export async function knownGuest({ host }: Planner, guest: string): Promise<GuestFacts> {
  const facts = await host.queries.ask('hypervisor.facts', { guest });
  return facts ?? refuse(`there is no guest ${guest} on this hypervisor`);
}

/** A guest that is paused, or worse, is a person's work. */
export function checkPlain({ name, state }: GuestFacts): void {
  if (state === 'paused') refuse(`${name} is paused: resume it on the hypervisor first`);
  if (state === 'other') refuse(`${name} neither runs nor is it off: look at it on the hypervisor`);
}

/** What the hypervisor says of it now. */
export async function verifyState(host: Host, guest: string, wanted: 'running' | 'off'): Promise<readonly Verified[]> {
  const state = (await host.queries.ask('hypervisor.facts', { guest }))?.state ?? 'not there';
  return [{ name: wanted === 'running' ? 'It runs' : 'It is off', ok: state === wanted, saw: state }];
}
