import { parseNodePolicy } from '@hauban/shared/policy';
import type { ShellOrder } from '@hauban/shared/protocol';
import { expect, it } from 'vitest';
import { openShell, type ShellOpenerParts } from './shell-opener.ts';

const uuid = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';
const order: ShellOrder = {
  v: 1,
  id: uuid,
  aud: uuid,
  iss: uuid,
  iat: 0,
  exp: 60_000,
  requester: { id: 'u1', name: 'Jo', via: 'cli' },
  reason: null,
  approvals: [],
  approved: null,
  kind: 'shell',
  session: uuid,
  user: 'toor',
  columns: 80,
  rows: 24,
  endsAt: 60_000,
};

it('APPROVE1 a shell for root under another name, which needs fewer approvals, is refused', async () => {
  const parsed = parseNodePolicy({ version: 1, shell: { users: ['toor'] } });
  if (!parsed.ok) throw new Error(parsed.problems.join());
  const toor = { name: 'toor', uid: 0, gid: 0, comment: '', home: '/', shell: '/bin/sh' };
  const parts: Partial<ShellOpenerParts> = {
    accounts: { userByName: async () => toor } as unknown as ShellOpenerParts['accounts'],
    policy: () => ({ ...parsed, text: '' }),
    openCount: () => 0,
    ownUid: 0,
    // Further than the user it must not come.
    recordingsDir: '/nowhere',
  };
  const opened = await openShell(order, parts as ShellOpenerParts);
  expect(opened).toMatchObject({ ok: false, code: 'SHELL_REFUSED' });
  expect(opened.ok ? '' : opened.detail).toContain('root under another name');
});
