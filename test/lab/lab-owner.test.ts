import { describe, expect, it } from 'vitest';
import { isOwnerAlive, ownerOfNamespace, ownOwnerName, startTicksOf } from './lab-owner.ts';

describe('owner of what the lab leaves on a machine', () => {
  it('knows itself as alive', () => {
    expect(isOwnerAlive(ownOwnerName())).toBe(true);
  });

  it('takes a process that got the same number later for another one', () => {
    const later = (startTicksOf(process.pid) ?? 0) + 1;
    expect(isOwnerAlive(`${process.pid}-${later}`)).toBe(false);
  });

  it('leaves names alone that it did not make', () => {
    expect(isOwnerAlive('somebody-else')).toBe(true);
    expect(ownerOfNamespace('hauban-lab-x')).toBeNull();
    expect(ownerOfNamespace('hauban-lab-12-34-web1')).toBe('12-34');
  });
});
