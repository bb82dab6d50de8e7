import type { CustomPin } from '@hauban/shared/policy';
import type { PinAnswer } from '../host/index.ts';
import type { HeldBundle } from '../trust/index.ts';
import type { LoadedPolicy } from './local-policy.ts';

const no = (detail: string): PinAnswer => ({ ok: false, detail });

/** Root's word for a custom action; none while the policy file is not usable. */
const localPin = (loaded: LoadedPolicy, name: string): CustomPin | null =>
  (loaded.ok ? loaded.policy.custom.find((pin) => pin.name === name) : undefined) ?? null;

/**
 * Which bytes of a custom action may run here (rule BUNDLE7): what the policy file pins; where the policy bundle pins
 * custom actions, what the bundle pins, and nothing that the file pins otherwise.
 */
export function customPin(loaded: LoadedPolicy, held: HeldBundle, name: string): PinAnswer {
  if (held.is === 'damaged') return no('the policy bundle on this node is damaged, so nobody knows what it pins');
  const local = localPin(loaded, name);
  const pins = held.is === 'held' ? held.bundle.custom : undefined;
  if (pins === undefined)
    return local === null ? no(`the node's policy file has no [[custom]] entry for ${name}`) : { ok: true, pin: local };
  const signed = pins.find((pin) => pin.name === name);
  if (signed === undefined) return no(`the policy bundle does not pin custom.${name}, so it runs on no node`);
  if (local !== null && local.hash !== signed.hash)
    return no(`the node's policy file pins custom.${name} as ${local.hash}, the policy bundle as ${signed.hash}`);
  return { ok: true, pin: { ...signed, allowRoot: signed.allowRoot && (local?.allowRoot ?? true) } };
}
