import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunRow } from '@hauban/shared/api';
import { describe, expect, it } from 'vitest';
import { loadAccount, saveAccount } from './account-file.ts';
import { createApiClient } from './api-client.ts';
import { parseArguments } from './arguments.ts';
import { exitForStates, EXIT } from './exit-codes.ts';
import { followRun } from './follow-run.ts';
import { plainLine } from './plain-text.ts';
import { renderOffboarded } from './commands/people.ts';
import { createContext } from './context.ts';
import { createProgram } from './program.ts';
import { createEscapeWatcher, parseExit } from './shell-session.ts';
import { countsText } from './run-words.ts';
import { renderPlan } from './show-plan.ts';
import { renderMergedPlan } from './show-run.ts';
import { parseStrategy } from './strategy-options.ts';
import { renderTable, type Terminal } from './terminal.ts';

const leaving =
  (listeners: (() => void)[]): Terminal['onInterrupt'] =>
  (listener) => {
    listeners.push(listener);
    return () => void listeners.splice(listeners.indexOf(listener), 1);
  };

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
    onInterrupt: () => () => undefined,
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
    [['--duration-s', 'ten'], /--duration-s takes a time such as 90s, 15m, 12h or 7d, not "ten"/],
    [['--duration', '1.5h'], /takes a time/],
    [['--duration', '5', '--duration-s', '6'], /given 2 times/],
    [['--account', 'a', '--account', 'b'], /given 2 times/],
    [['stray'], /not an argument/],
  ])('%j is refused in one sentence', (words, message) => {
    expect(() => parseArguments('x.y', schema, words)).toThrow(message);
  });
});

describe('a time', () => {
  it.each([
    [['--duration', '2h'], 7200],
    [['--duration-s', '7d'], 604_800],
    [['--duration=90'], 90],
  ])('%j is so many seconds', (words, durationS) => {
    expect(parseArguments('x.y', schema, words)).toEqual({ durationS });
  });

  it('does not stand in for an argument that is called so itself', () => {
    const both = { type: 'object', properties: { wait: { type: 'string' }, waitS: { type: 'integer' } } };
    expect(parseArguments('x.y', both, ['--wait', '2h', '--wait-s', '2m'])).toEqual({ wait: '2h', waitS: 120 });
  });
});

describe('a version', () => {
  const version = { type: 'object', properties: { version: { type: 'string' } } };

  it('is what is switched to; an action without one does not take it', () => {
    expect(parseArguments('php.switch-version', version, ['--to', '8.4'])).toEqual({ version: '8.4' });
    expect(() => parseArguments('node.ping', { type: 'object', properties: {} }, ['--to', '8.4'])).toThrow(
      '"--to" is not an argument of node.ping',
    );
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

describe('Ctrl-C while a run is followed', () => {
  it('leaves at once, says how to come back, and the run is not touched', async () => {
    const asked: string[] = [];
    const server = createServer((request) => void asked.push(`${request.method} ${request.url}`)).listen(
      0,
      '127.0.0.1',
    );
    try {
      await once(server, 'listening');
      const listeners: (() => void)[] = [];
      const terminal = { ...recordingTerminal(), onInterrupt: leaving(listeners) };
      const api = createApiClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'token');
      const run = { id: 'the-run', mode: 'apply', nodeCount: 40, counts: {}, steps: [] } as unknown as RunRow;
      const following = followRun(createContext({}, terminal), api, run);
      await once(server, 'request');
      for (const leave of listeners) leave();
      await expect(following).rejects.toMatchObject({
        exitCode: EXIT.detached,
        message: expect.stringContaining('hauban runs watch the-run') as string,
      });
      expect(asked).toEqual(['GET /api/runs/the-run?waitMs=2000']);
      expect(listeners).toEqual([]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

describe('the strategy of a run', () => {
  it('is read from its options, shares and times included', () => {
    const typed = {
      canary: '1',
      waves: '10%, 25%,50',
      concurrency: '40',
      pause: '2m',
      maxFailures: '5%',
      maxCanaryFailures: '2',
      onFailure: 'undo',
      healthCheck: false,
    };
    expect(parseStrategy(typed)).toEqual({
      canary: 1,
      waves: ['10%', '25%', 50],
      maxInFlight: 40,
      pauseSeconds: 120,
      stopAfter: '5%',
      stopAfterInCanary: 2,
      onFailure: 'undo',
      healthGate: false,
    });
  });

  it('is left to the controller when nothing is said', () => {
    expect(parseStrategy({ healthCheck: true })).toBeUndefined();
    expect(parseStrategy({ healthCheck: true, atOnce: true })).toBe('at-once');
  });

  it.each([
    [{ canary: '-1' }, /--canary takes a whole number/],
    [{ waves: '10%,0' }, /--waves takes a number of nodes or a share/],
    [{ waves: '101%' }, /--waves/],
    [{ pause: '1w' }, /--pause takes a time/],
    [{ onFailure: 'panic' }, /--on-failure takes stop or undo/],
    [{ atOnce: true, canary: '1' }, /leave the other options/],
  ])('%j is refused in one sentence', (options, message) => {
    expect(() => parseStrategy(options)).toThrow(message);
  });
});

describe('a run of many nodes', () => {
  it('is told worst first, in words, with unhealthy nodes and undone orders', () => {
    const counts = { succeeded: 30, harmed: 1, failed: 2, waiting: 4, 'undo-succeeded': 3, 'undo-failed': 1 };
    expect(countsText(counts)).toBe('1 undo failed, 2 failed, 1 unhealthy afterwards, 4 waiting, 3 undone, 30 done');
  });

  it('its plan is one block for nodes that would do the same, safe for the terminal', () => {
    const nodes = [{ nodeId: 'x', hostName: 'web1\u001b[2J' }];
    const plan = {
      hash: 'h',
      notes: [],
      changes: [{ kind: 'user', title: 'create user w4a1', before: null, after: 'w4a1' }],
    };
    const text = renderMergedPlan({
      isComplete: true,
      groups: [
        { kind: 'changes', position: 0, hash: 'h', says: '37 nodes: create user w4a1', count: 37, plan, nodes },
        {
          kind: 'refused',
          position: 0,
          hash: null,
          says: '1 node: refused, disk\u0007 full',
          count: 1,
          plan: null,
          nodes,
        },
      ],
    });
    expect(text).toContain('37 nodes: create user w4a1\n  on web1\ufffd[2J and 36 more\n  + create user w4a1');
    expect(text).toContain('1 node: refused, disk\ufffd full');
    expect(text).not.toContain('\u001b');
    expect(text).not.toContain('\u0007');
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
    expect(exitForStates(['succeeded', 'harmed'])).toBe(EXIT.failed);
    expect(exitForStates(['failed', 'undo-succeeded'])).toBe(EXIT.failed);
    expect(exitForStates(['failed', 'undo-failed'])).toBe(EXIT.undetermined);
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
