import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadAccount, saveAccount } from './account-file.ts';
import { parseArguments } from './arguments.ts';
import { exitForStates, EXIT } from './exit-codes.ts';
import { plainLine } from './plain-text.ts';
import { renderOffboarded } from './commands/people.ts';
import { createContext } from './context.ts';
import { createProgram } from './program.ts';
import { createEscapeWatcher, parseExit } from './shell-session.ts';
import { renderPlan } from './show-plan.ts';
import { renderTable, type Terminal } from './terminal.ts';

const schema = {
  type: 'object',
  properties: {
    account: { type: 'string' },
    phpVersion: { type: 'string', enum: ['8.2', '8.4'] },
    targets: { type: 'array', items: { type: 'string' } },
    durationS: { type: 'integer' },
    isForced: { type: 'boolean' },
  },
};

function recordingTerminal(): Terminal & { lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    isInteractive: false,
    out: (text) => void lines.push(text),
    err: (text) => void lines.push(text),
    ask: () => Promise.reject(new Error('nobody to ask')),
  };
}

describe('arguments of an action', () => {
  it('are read by their schema, in both forms', () => {
    const words = [
      '--account',
      'w4a100010',
      '--php-version=8.4',
      '--targets',
      '192.0.2.1,192.0.2.2',
      '--targets',
      '192.0.2.3',
      '--duration-s',
      '600',
      '--is-forced',
    ];
    expect(parseArguments('x.y', schema, words)).toEqual({
      account: 'w4a100010',
      phpVersion: '8.4',
      targets: ['192.0.2.1', '192.0.2.2', '192.0.2.3'],
      durationS: 600,
      isForced: true,
    });
  });

  it.each([
    [['--acount', 'x'], /not an argument of x\.y: it takes --account/],
    [['--account'], /needs a value/],
    [['--duration-s', 'ten'], /takes a number/],
    [['--account', 'a', '--account', 'b'], /given 2 times/],
    [['stray'], /not an argument/],
  ])('%j is refused in one sentence', (words, message) => {
    expect(() => parseArguments('x.y', schema, words)).toThrow(message);
  });
});

describe('text from a hostile node', () => {
  it('cannot send escape sequences to the terminal', () => {
    expect(plainLine('web1\u001b[2J\u0007\u202eevil')).toBe('web1\ufffd[2J\ufffd\ufffdevil');
    expect(renderTable(['NODE'], [['a\u001b]0;title\u0007']])).not.toContain('\u001b');
  });

  it('cannot do so in a plan either', () => {
    const plan = {
      hash: 'x',
      notes: ['n\u001b[31m'],
      changes: [
        { kind: 'file', title: 'write\u001b[1A', before: 'same\nold\u001b[2K\nend\n', after: 'same\nnew\nend\n' },
      ],
    };
    const shown = renderPlan(plan);
    expect(shown).not.toContain('\u001b');
    expect(shown.split('\n').filter((line) => /^ {4}[+-]/.test(line))).toEqual(['    - old\ufffd[2K', '    + new']);
  });
});

describe('shell session', () => {
  it('"~." counts only at the start of a line', () => {
    const watch = createEscapeWatcher();
    expect(watch(Buffer.from('ls ~.'))).toBe(false);
    expect(watch(Buffer.from('\r~'))).toBe(false);
    expect(watch(Buffer.from('.'))).toBe(true);
  });

  it('gives the exit status of the shell, 128 + signal, and a sentence when it was ended', () => {
    const exit = (value: object): unknown =>
      parseExit(Buffer.from(JSON.stringify({ status: null, signal: null, leftOver: 0, detail: 'Over.', ...value })));
    expect(exit({ ending: 'exited', status: 3 })).toEqual({ how: 'exited', status: 3 });
    expect(exit({ ending: 'exited', signal: 9 })).toEqual({ how: 'exited', status: 137 });
    expect(exit({ ending: 'time-limit', detail: 'The time is over.' })).toEqual({
      how: 'lost',
      says: 'The time is over.',
    });
    expect(exit({ ending: 'else', status: 3 })).toMatchObject({ how: 'lost' });
    expect(parseExit(Buffer.from('{'))).toEqual({ how: 'lost', says: 'The shell ended without saying how.' });
  });
});

describe('people offboard', () => {
  it('names what was ended, and what still has to be', () => {
    const shell = { id: 'x', nodeId: 'y', hostName: 'web1\u001b[2J', user: 'root' };
    const text = renderOffboarded({
      trust: ['Version 2 without x is drafted.'],
      name: 'lea',
      sessions: 3,
      tokens: 2,
      passkeys: 1,
      invites: 0,
      commandLines: 0,
      ordersCancelled: 4,
      ordersUnderWay: 5,
      approvals: 6,
      shells: [
        { ...shell, state: 'ended' },
        { ...shell, state: 'waiting' },
      ],
    });
    expect(text).toMatch(/lea is out/);
    for (const line of [
      'sessions +3',
      'API tokens +2',
      'passkeys +1',
      'open shells +1',
      'queued orders +4',
      'approvals +6',
    ])
      expect(text).toMatch(new RegExp(line));
    expect(text).toMatch(/shell of root on web1.* has not ended yet/);
    expect(text).toMatch(/5 order\(s\)/);
    expect(text).not.toContain('\u001b');
  });
});

describe('account and exit status', () => {
  it('keeps the token in a file that only its owner can read', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hauban-cli-'));
    try {
      const path = saveAccount({ XDG_CONFIG_HOME: folder }, { url: 'https://x.example', token: 'secret', name: 'ann' });
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(loadAccount({ XDG_CONFIG_HOME: folder })).toEqual({
        url: 'https://x.example',
        token: 'secret',
        name: 'ann',
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('the worst target decides', () => {
    expect(exitForStates(['succeeded', 'unchanged'])).toBe(EXIT.ok);
    expect(exitForStates(['succeeded', 'refused'])).toBe(EXIT.refused);
    expect(exitForStates(['failed', 'refused'])).toBe(EXIT.failed);
    expect(exitForStates(['undetermined', 'failed'])).toBe(EXIT.undetermined);
    expect(exitForStates(['expired'])).toBe(EXIT.unreachable);
  });

  it('an address without encryption is refused, a usage error exits with 2', async () => {
    const terminal = recordingTerminal();
    const program = createProgram(createContext({}, terminal));
    await expect(program.parseAsync(['node', 'hauban', 'login', 'http://hauban.example.net'])).rejects.toMatchObject({
      exitCode: EXIT.usage,
      message: expect.stringContaining('not encrypted'),
    });
    await expect(
      createProgram(createContext({}, terminal)).parseAsync(['node', 'hauban', 'run', 'x.y']),
    ).rejects.toMatchObject({ exitCode: EXIT.usage });
    await expect(
      createProgram(createContext({ XDG_CONFIG_HOME: '/nonexistent' }, terminal)).parseAsync([
        'node',
        'hauban',
        'nodes',
      ]),
    ).rejects.toMatchObject({ exitCode: EXIT.notAllowed });
  });
});
