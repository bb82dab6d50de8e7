import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UserEntry } from '@hauban/shared/actions';
import { parseNodePolicy } from '@hauban/shared/policy';
import type { ShellOrder } from '@hauban/shared/protocol';
import { FakeClock } from '@hauban/shared/testing';
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

const jo = { name: 'jo', uid: 1001, gid: 1001, comment: '', home: '/', shell: '/bin/sh' };
const parsed = parseNodePolicy({ version: 1, shell: { users: ['toor', 'jo'] } });

/** Further than the user it must not come. */
async function open(change: Partial<ShellOpenerParts>, user: UserEntry | null = jo): Promise<string> {
  if (!parsed.ok) throw new Error(parsed.problems.join());
  const parts: Partial<ShellOpenerParts> = {
    accounts: { userByName: async () => user } as unknown as ShellOpenerParts['accounts'],
    policy: () => ({ ...parsed, text: '' }),
    openCount: () => 0,
    ownUid: 0,
    recordingsDir: '/nowhere',
    ...change,
  };
  const opened = await openShell(order, parts as ShellOpenerParts);
  return opened.ok ? 'opened' : `${opened.code} ${opened.detail}`;
}

it('APPROVE1 a shell for root under another name, which needs fewer approvals, is refused', async () => {
  const toor = { ...jo, name: 'toor', uid: 0, gid: 0 };
  expect(await open({}, toor)).toMatch(/^SHELL_REFUSED .*root under another name/);
});

it('a shell while the policy file is not usable is refused', async () => {
  const policy = () => ({ ok: false, problems: ['no'], text: '' }) as const;
  expect(await open({ policy })).toMatch(/^POLICY_DENIED /);
});

it('the shell after the hundredth is refused', async () => {
  expect(await open({ openCount: () => 100 })).toMatch(/^SHELL_REFUSED 100 shells are open/);
  expect(await open({ openCount: () => 99 })).not.toMatch(/shells are open/);
});

it('a shell for a user whom the node does not have, or who has no shell, is refused', async () => {
  expect(await open({}, null)).toBe('SHELL_REFUSED there is no user toor on this node');
  expect(await open({}, { ...jo, shell: '/usr/sbin/nologin' })).toMatch(/^SHELL_REFUSED the login shell of jo/);
});

it('no shell is opened where its recording would not fit on the disk', async () => {
  // A file system that has no space at all.
  expect(await open({ recordingsDir: '/proc' })).toMatch(/^SHELL_REFUSED the disk of this node is too full/);
});

it('a shell whose host does not start is refused, and leaves no folder of a recording', async () => {
  const recordingsDir = mkdtempSync(join(tmpdir(), 'hauban-shells-'));
  try {
    const started: string[] = [];
    const said = await open({
      recordingsDir,
      gid: null,
      clock: new FakeClock(),
      listenAt: { kind: 'path', path: '/nowhere' } as unknown as ShellOpenerParts['listenAt'],
      shellsDir: recordingsDir,
      hostProgram: ['/bin/false'],
      hostName: 'n',
      nodeId: uuid,
      started: (session) => void started.push(session),
    });
    expect(said).toMatch(/^SHELL_REFUSED the shell could not be started: it /);
    expect(started).toEqual([]);
    expect(readdirSync(recordingsDir)).toEqual([]);
  } finally {
    rmSync(recordingsDir, { recursive: true });
  }
});
