import type { Program, RunResult } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { FakeClock } from '@hauban/shared/testing';
import { describe, expect, it } from 'vitest';
import { parseBannedJails, parseBanTimes } from './banned-jails.ts';
import { parseDecisions } from './decisions.ts';
import { createProtectionDrivers } from './protection-drivers.ts';

/** As `cscli decisions list --output json --all --ip 198.51.100.9` of CrowdSec 1.4.6 (Debian 12) answers. */
const alert = (id: number, decision: object): object => ({
  capacity: 0,
  created_at: '2026-11-22T14:36:11Z',
  decisions: [
    {
      duration: '3h59m59.223038039s',
      id,
      origin: 'cscli',
      scenario: 'manual',
      scope: 'Ip',
      simulated: false,
      type: 'ban',
      value: '198.51.100.9',
      ...decision,
    },
  ],
  events: null,
  events_count: 1,
  id,
  labels: null,
  leakspeed: '0',
  machine_id: '3d1219c7c4c5404aaa1f6d2a48adfda4WjlH9Bq9NeoRVqCq',
  message: 'manual',
  scenario: 'manual',
  scenario_hash: '',
  scenario_version: '',
  simulated: false,
  source: { ip: '198.51.100.9', scope: 'Ip', value: '198.51.100.9' },
  start_at: '2026-11-22 14:36:11 +0000 UTC',
  stop_at: '2026-11-22 14:36:11 +0000 UTC',
});
const AROUND = { scope: 'Range', value: '198.51.100.0/24' };
const NOW = Date.UTC(2026, 10, 22, 14, 36, 12);

describe('the bans of fail2ban', () => {
  it('are read as Python prints them, in canonical form', () => {
    const jails = parseBannedJails(
      `[{'sshd': ['192.0.2.7', '2001:DB8::7', '198.51.100.0/24']}, {"it's": []}]`.replace(`"it's"`, `'web'`),
    );
    expect([...(jails ?? [])].map(([jail, targets]) => [jail, [...targets]])).toEqual([
      ['sshd', ['192.0.2.7', '2001:db8::7', '198.51.100.0/24']],
      ['web', []],
    ]);
    expect(parseBannedJails('[]')?.size).toBe(0);
  });

  it('that are texts of a log, made to end the list, are no bans of somebody else', () => {
    const jails = parseBannedJails(
      String.raw`[{'web': ["x'}, {'sshd': ['203.0.113.9", '\'}, {\'sshd\': [\'203.0.113.9', 'a\n203.0.113.9', '192.0.2.7']}, {'sshd': []}]`,
    );
    expect([...(jails?.get('web') ?? [])]).toEqual(['192.0.2.7']);
    expect(jails?.get('sshd')?.size).toBe(0);
  });

  it.each(['', '[', '{}', "[{'sshd': '192.0.2.7'}]", "[{'-h': ['192.0.2.7']}]", "[{'a/b': []}]", '[1, 2', 'Traceback'])(
    'are not guessed from %j',
    (text) => expect(parseBannedJails(text)).toBeNull(),
  );

  it('have the times of their jail, in the time of day of the machine; for ever is for ever', () => {
    const times = parseBanTimes(
      '192.0.2.7 \t2026-11-22 14:36:14 + 600 = 2026-11-22 14:46:14\n192.0.2.8 \t2026-11-22 14:36:15 + -1 = 9999-12-31 23:59:59\nx\n',
    );
    const since = new Date(2026, 10, 22, 14, 36, 14).getTime();
    expect([...times]).toEqual([
      ['192.0.2.7', { since, until: since + 600_000 }],
      ['192.0.2.8', { since: since + 1000, until: null }],
    ]);
  });
});

describe('the decisions of CrowdSec', () => {
  it('are those on addresses and ranges that hold now', () => {
    const text = JSON.stringify([
      alert(1, {}),
      alert(2, AROUND),
      alert(3, { scope: 'Country', value: 'FR' }),
      alert(4, { simulated: true }),
      alert(5, { duration: '-1m2s' }),
      alert(6, { duration: 'for ever' }),
      alert(7, { value: '010.1.1.1' }),
      alert(8, { id: '8; rm' }),
      { decisions: null },
      null,
    ]);
    expect(parseDecisions(text, NOW)?.map(({ id, target, until }) => [id, target, (until ?? 0) - NOW])).toEqual([
      [1, '198.51.100.9', 14_399_223],
      [2, '198.51.100.0/24', 14_399_223],
    ]);
    expect(parseDecisions('null', NOW)).toEqual([]);
    for (const other of ['', '{}', 'level=fatal', '"x"']) expect(parseDecisions(other, NOW)).toBeNull();
  });

  it('with a hostile reason tell it as one short line of text', () => {
    const scenario = `<img src=x onerror=alert(1)>\u001b[2J\n\u202eevil${'a'.repeat(5000)}`;
    const [decision] =
      parseDecisions(JSON.stringify([alert(1, { scenario, origin: 'lists\n', type: 'ban' })]), NOW) ?? [];
    expect(decision?.reason.startsWith('<img src=x onerror=alert(1)>\ufffd[2J\ufffd\ufffdevil')).toBe(true);
    expect(decision?.reason.length).toBe(200);
    expect(decision?.where).toBe('lists\ufffd ban');
  });
});

type Answers = Partial<Record<Program, (args: readonly string[]) => Partial<RunResult>>>;

function createDrivers(answers: Answers) {
  const ran: string[] = [];
  const drivers = createProtectionDrivers({
    clock: new FakeClock(NOW),
    programs: {
      run(program, args) {
        ran.push([program, ...args].join(' '));
        const answer = answers[program];
        if (answer === undefined) return Promise.reject(new HaubanError('PROGRAM_MISSING', program));
        return Promise.resolve({ status: 0, stdout: '', stderr: '', timedOut: false, ...answer(args) });
      },
    },
  });
  const list = (source: 'fail2ban' | 'crowdsec', address?: string) =>
    drivers.queries['protection.foreign-bans']({ source, ...(address === undefined ? {} : { address }) });
  return { ran, list, ...drivers.resources };
}

describe('a source', () => {
  it.each(['fail2ban', 'crowdsec'] as const)('that is not installed is absent: %s', async (source) => {
    expect(await createDrivers({}).list(source, '192.0.2.7')).toEqual({ state: 'absent' });
  });

  it('that does not run is silent, with what its program said as one line', async () => {
    const fails = (): Partial<RunResult> => ({ status: 255, stderr: 'ERROR \u001b[31mno socket\nIs it running?' });
    const { list, ...resources } = createDrivers({ 'fail2ban-client': fails, cscli: fails });
    const silent = { state: 'silent', detail: 'ERROR \ufffd[31mno socket' };
    expect([await list('fail2ban'), await list('crowdsec')]).toEqual([silent, silent]);
    await expect(resources['fail2ban.ban'].read('sshd/192.0.2.7')).rejects.toMatchObject({ code: 'PROGRAM_FAILED' });
    await expect(resources['crowdsec.ban'].read('192.0.2.7')).rejects.toMatchObject({ code: 'PROGRAM_FAILED' });
  });

  it('says the same each time it is asked: no time of day, no process number', async () => {
    const said = [
      '2026-11-22 15:19:07,089 fail2ban                [10804]: ERROR   Failed to access socket path: /run/f.sock. Is fail2ban running?',
      '{"level":"fatal","msg":"Unable to list decisions : Get \\"http://127.0.0.1:8080\\": connection refused","time":"2026-11-22T14:36:14Z"}',
    ];
    const { list } = createDrivers({
      'fail2ban-client': () => ({ status: 255, stderr: said[0] ?? '' }),
      cscli: () => ({ status: 1, stderr: said[1] ?? '' }),
    });
    expect([await list('fail2ban'), await list('crowdsec')]).toEqual([
      { state: 'silent', detail: 'Failed to access socket path: /run/f.sock. Is fail2ban running?' },
      { state: 'silent', detail: 'Unable to list decisions : Get "http://127.0.0.1:8080": connection refused' },
    ]);
  });

  it('a line of a log that looks like another ban is none', async () => {
    const { list } = createDrivers({
      'fail2ban-client': ([verb]) => ({
        stdout:
          verb === 'banned'
            ? String.raw`[{'web': ['x\n203.0.113.9 \t2026-11-22 14:36:14 + -1 = 9999-12-31 23:59:59', '192.0.2.7']}]`
            : 'x\n203.0.113.9 \t2026-11-22 14:36:14 + -1 = 9999-12-31 23:59:59\n192.0.2.7 \t2026-11-22 14:36:14 + 600 = 2026-11-22 14:46:14\n',
      }),
    });
    const answer = await list('fail2ban');
    expect(answer.state === 'asked' ? answer.bans.map(({ target }) => target) : []).toEqual(['192.0.2.7']);
  });
});

describe('to lift a ban', () => {
  it('of one address deletes its own decision by number and leaves the range around it', async () => {
    const stdout = JSON.stringify([alert(7, {}), alert(8, AROUND)]);
    const { ran, ...drivers } = createDrivers({ cscli: ([, verb]) => (verb === 'list' ? { stdout } : {}) });
    await drivers['crowdsec.ban'].write('198.51.100.9', null);
    expect(ran).toEqual([
      'cscli decisions list --output json --all --ip 198.51.100.9',
      'cscli decisions delete --id 7',
    ]);
  });

  it('tells fail2ban the jail and the address as arguments of their own', async () => {
    const { ran, ...drivers } = createDrivers({ 'fail2ban-client': () => ({}) });
    await drivers['fail2ban.ban'].write('sshd/192.0.2.7', null);
    await drivers['fail2ban.ban'].write('sshd/192.0.2.7', { banned: true });
    expect(ran).toEqual(['fail2ban-client set sshd unbanip 192.0.2.7', 'fail2ban-client set sshd banip 192.0.2.7']);
  });

  it.each(['--all', '192.0.2.7 --all', '010.1.1.1', '::ffff:192.0.2.7', 'fe80::1%eth0', '', '192.0.2.7\n', '../x'])(
    'starts no program for what is no address: %j',
    async (target) => {
      const { ran, ...drivers } = createDrivers({ 'fail2ban-client': () => ({}), cscli: () => ({ stdout: 'null' }) });
      const refused = { code: 'ACTION_REFUSED' };
      await expect(drivers['crowdsec.ban'].write(target, null)).rejects.toMatchObject(refused);
      await expect(drivers['fail2ban.ban'].write(`sshd/${target}`, null)).rejects.toMatchObject(refused);
      await expect(drivers['fail2ban.ban'].write(`-x/${target}`, null)).rejects.toMatchObject(refused);
      expect(ran).toEqual([]);
    },
  );

  it.each(['--reload/192.0.2.7', '/192.0.2.7', '192.0.2.7', 'a b/192.0.2.7'])(
    'starts no program for what is no jail: %j',
    async (id) => {
      const { ran, ...drivers } = createDrivers({ 'fail2ban-client': () => ({}) });
      await expect(drivers['fail2ban.ban'].write(id, null)).rejects.toMatchObject({ code: 'ACTION_REFUSED' });
      expect(ran).toEqual([]);
    },
  );
});
