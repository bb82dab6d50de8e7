import { phpMasterOf, type HostFiles } from '@hauban/shared/actions';
import { describe, expect, it } from 'vitest';
import { createSystemdDriver } from './php-drivers.ts';
import { unitFile } from './php-sandbox.ts';

describe('a PHP that never stood up', () => {
  it('leaves half a unit when it dies as that is written, which goes when it is stopped', async () => {
    const cleared: string[] = [];
    const nothing: Pick<HostFiles, 'state' | 'removeLeftovers'> = {
      state: () => Promise.resolve({ type: 'absent' }),
      removeLeftovers: (path) => Promise.resolve(void cleared.push(path)),
    };
    const master = phpMasterOf('w4a100010', 100_010, '8.4');
    await createSystemdDriver(nothing as HostFiles).stop([master]);
    expect(cleared).toEqual([unitFile(master)]);
  });
});
