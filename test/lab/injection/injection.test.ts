import { ACTIONS, parseActionArguments } from '@hauban/shared/actions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DriverParts } from '../../../packages/agent/src/host/drivers.ts';
import { createFamilies } from '../../../packages/agent/src/host/families.ts';
import { labRequirements } from '../requirements.ts';
import { ACTION_PLACES, casesOf, DRIVER_PLACES, goodCasesOf, textOf, type Case } from './cases.ts';
import { QUERY_EXAMPLES, RESOURCE_EXAMPLES, TASK_EXAMPLES } from './driver-entries.ts';
import { exampleArguments } from './example-arguments.ts';
import { HOSTILE_VALUES, MARK } from './hostile-values.ts';
import { standInjectionNode, type InjectionNode } from './injection-node.ts';
import type { Vulnerable } from './injector.ts';
import { judgeRun } from './judge-trace.ts';
import { printRun } from './print-run.ts';

/**
 * Every text that an action takes, and every text that a driver is given behind it, with what an attacker would put
 * there, on a real node under a tracer. `npm run injection` tries all values at each place and prints what came of it.
 */
const lab = labRequirements();
/** How many values at each place, all of them when it is `full`; without it few. */
const SIZE = process.env['HAUBAN_INJECTION'];
const isFull = SIZE === 'full';
const valuesOr = (few: number): number => (isFull ? HOSTILE_VALUES.length : SIZE === undefined ? few : Number(SIZE));
const TIMEOUT_MS = 3_600_000;

describe('the examples', () => {
  it.each([...ACTIONS.keys()])('of %s are arguments that it takes', (name) => {
    const action = ACTIONS.get(name);
    if (action === undefined) throw new Error(name);
    for (const args of exampleArguments(action)) expect(parseActionArguments(action, args)).toMatchObject({ ok: true });
  });
});

describe('the doors of the drivers', () => {
  /** Stands for all that drivers are made of: none is asked for anything here. */
  const anything: unknown = new Proxy(() => undefined, { get: () => anything, apply: () => anything });
  const parts = new Proxy({ stateDirectory: '/nowhere' }, { get: (own, name) => Reflect.get(own, name) ?? anything });
  const drivers = createFamilies(parts as unknown as DriverParts);

  it.each([
    ['resources', RESOURCE_EXAMPLES],
    ['tasks', TASK_EXAMPLES],
    ['queries', QUERY_EXAMPLES],
  ] as const)('%s each have an example', (kind, examples) => {
    expect(Object.keys(examples).toSorted()).toEqual(Object.keys(drivers[kind]).toSorted());
  });
});

describe.skipIf(!lab.ok)('a hostile text', () => {
  let stand: InjectionNode;
  beforeAll(async () => {
    stand = await standInjectionNode();
  });
  afterAll(() => stand.destroy());

  const tryAll = async (title: string, cases: readonly Case[]): Promise<readonly string[]> => {
    const run = await stand.run(cases);
    const problems = judgeRun(cases, run);
    printRun(title, cases, run, problems, isFull);
    return problems;
  };

  it(
    'as an argument of an order starts no program that the action does not list, and touches no other file',
    async () => {
      expect(await tryAll('arguments of actions', casesOf(ACTION_PLACES, valuesOr(6)))).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'given straight to a driver, behind all checks of orders and plans, does neither',
    async () => {
      expect(await tryAll('drivers', casesOf(DRIVER_PLACES, valuesOr(1)))).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it('is tried where drivers really look: with good texts they start their programs, and only those', async () => {
    const cases = goodCasesOf(DRIVER_PLACES.filter(({ door }) => door === 'query' || door === 'resource.read'));
    const run = await stand.run(cases);
    expect(judgeRun(cases, run)).toEqual([]);
    const started = new Set(run.calls.filter(({ call }) => call === 'execve').map(({ texts }) => texts[0]));
    for (const program of ['btrfs', 'getent', 'mariadb', 'postqueue', 'psql', 'setpriv', 'systemctl'])
      expect(
        [...started].some((path) => path?.endsWith(`/${program}`)),
        program,
      ).toBe(true);
  });

  describe('control: a driver', () => {
    const place = ACTION_PLACES.find(({ name, spot }) => name === 'account.create' && spot[0] === 'name');
    const attack = async (hostile: string, how: Vulnerable) => {
      if (place === undefined) throw new Error('account.create takes a name');
      const cases = [{ ...place, hostile }];
      const run = await stand.run(cases, how);
      return { ...run, problems: judgeRun(cases, run), text: textOf({ ...place, hostile }) };
    };

    it.each(['; command', '&& command', '| command', '$(command)', '`command`', '> file', 'newline, command'])(
      'that builds a command for a shell is seen, and runs it: %s',
      async (hostile) => {
        const { problems } = await attack(hostile, 'shell');
        expect(problems).toContainEqual(expect.stringContaining(': started /bin/sh'));
        expect(await stand.take(`/tmp/${MARK}`)).toBe(true);
      },
    );

    it('that lets a text stand where options are read is seen', async () => {
      const { problems } = await attack('long option', 'option');
      expect(problems).toContainEqual(expect.stringContaining('an option of /usr/bin/systemctl'));
    });

    it('that cuts a text into several arguments is seen', async () => {
      const { problems } = await attack('; command', 'split');
      expect(problems).toContainEqual(expect.stringContaining('an argument holds a part of it'));
    });

    it('that puts a text into a path is seen, and writes elsewhere', async () => {
      const { problems } = await attack('path upwards', 'path');
      expect(problems).toContainEqual(expect.stringContaining(`node openat /tmp/${MARK}`));
      expect(await stand.take(`/tmp/${MARK}`)).toBe(true);
    });

    it('that builds a command for a shell by the hands of the product is refused, and starts nothing', async () => {
      const { outcomes, calls, problems } = await attack('; command', 'shell, listed');
      expect(outcomes).toMatchObject([{ is: 'failed', says: expect.stringContaining('not among the programs') }]);
      expect(problems).toEqual([]);
      expect(calls.filter(({ call, case: at }) => at === 0 && call.startsWith('exec'))).toEqual([]);
      expect(await stand.take(`/tmp/${MARK}`)).toBe(false);
    });
  });
});
