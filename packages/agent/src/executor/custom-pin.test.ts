import type { CustomPin, NodePolicy } from '@hauban/shared/policy';
import type { Bundle } from '@hauban/shared/protocol';
import { describe, expect, it } from 'vitest';
import type { HeldBundle } from '../trust/index.ts';
import { customPin } from './custom-pin.ts';
import type { LoadedPolicy } from './local-policy.ts';

const pin = (hash: string, allowRoot = false): CustomPin => ({ name: 'disk', hash, allowRoot });
const file = (...custom: CustomPin[]): LoadedPolicy => ({
  ok: true,
  text: '',
  policy: { custom } as unknown as NodePolicy,
});
const bundle = (custom?: CustomPin[]): HeldBundle => ({
  is: 'held',
  bundle: { ...(custom === undefined ? {} : { custom }) } as unknown as Bundle,
});

describe('what pins a custom action', () => {
  it('is the policy file where there is no bundle, or where it says nothing of them', () => {
    expect(customPin(file(pin('a')), { is: 'none' }, 'disk')).toEqual({ ok: true, pin: pin('a') });
    expect(customPin(file(pin('a')), bundle(), 'disk')).toEqual({ ok: true, pin: pin('a') });
    expect(customPin(file(), { is: 'none' }, 'disk')).toMatchObject({ ok: false });
  });

  it('is nothing while the policy file can not be used', () => {
    const unusable: LoadedPolicy = { ok: false, problems: ['x'], text: '' };
    expect(customPin(unusable, { is: 'none' }, 'disk')).toMatchObject({ ok: false });
  });

  it.each([
    ['both', true, true, true],
    ['the bundle, and the file that says no', true, false, false],
    ['the file, and the bundle that says no', false, true, false],
    ['the bundle, where the file has no entry', true, null, true],
  ])('lets it run as root by the word of %s', (_who, signed, local, may) => {
    const loaded = local === null ? file() : file(pin('a', local));
    expect(customPin(loaded, bundle([pin('a', signed)]), 'disk')).toMatchObject({ pin: { allowRoot: may } });
  });
});
