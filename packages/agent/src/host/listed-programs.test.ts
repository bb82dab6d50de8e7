import { describe, expect, it } from 'vitest';
import { checkListed, withinPrograms } from './listed-programs.ts';

const within = (path: string): Promise<void> =>
  withinPrograms(['systemctl'], () => Promise.resolve().then(() => checkListed(path)));

describe('a program of the action that is going on', () => {
  it.each(['/usr/bin/systemctl', '/usr/bin/getent'])('may be started: %s', async (path) => {
    await expect(within(path)).resolves.toBeUndefined();
  });

  it.each([
    ['a shell', '/bin/sh'],
    ["another action's program", '/usr/sbin/useradd'],
    ['its name in a folder of its own', '/tmp/systemctl'],
    ['its path by another way', '/usr/bin/../bin/systemctl'],
    ['its name alone', 'systemctl'],
    ['its path with a NUL behind it', '/usr/bin/systemctl\0'],
    ['nothing', ''],
  ])('an attack that brings %s is refused', async (_attack, path) => {
    await expect(within(path)).rejects.toMatchObject({ code: 'ACTION_REFUSED' });
  });

  it('an attack by an action within another one gets only its own programs', async () => {
    const inner = withinPrograms(['systemctl'], () => withinPrograms(['sync'], () => within('/usr/bin/sync')));
    await expect(inner).rejects.toMatchObject({ code: 'ACTION_REFUSED' });
  });

  it('is asked of nobody outside of actions: bans are put back when the executor starts', () => {
    expect(() => checkListed('/usr/sbin/nft')).not.toThrow();
  });
});
