import { describe, expect, it } from 'vitest';
import { createAccounts, parseGroup, parseUser } from './accounts.ts';

const accounts = createAccounts(() => undefined);

describe('the accounts of the node', () => {
  it('are found by name and number, and are nobody when there is none', async () => {
    expect(await accounts.userByName('root')).toMatchObject({ name: 'root', uid: 0, gid: 0 });
    expect(await accounts.groupByGid(0)).toMatchObject({ name: 'root', gid: 0 });
    expect(await accounts.userByName('no-such-user-here')).toBeNull();
    expect(await accounts.groupByName('no-such-group-here')).toBeNull();
    expect(parseUser(null)).toBeNull();
    expect(parseGroup(null)).toBeNull();
  });

  it.each(['-s', '--service=evil', 'root extra', 'root\n', '../etc', 'Root', '', 'a'.repeat(33)])(
    'are not asked for by what is no name: %j',
    async (name) => {
      await expect(accounts.userByName(name)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
      await expect(accounts.groupByName(name)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    },
  );
});
