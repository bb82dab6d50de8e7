import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerOf } from './ask-enrolment.ts';
import { runEnrol } from './enrol-command.ts';

const controller = { id: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff', key: 'A'.repeat(43) };

describe('what a controller answers to an enrolment', () => {
  const enrolled = { t: 'enrolled', controllerId: controller.id, controllerKey: controller.key };

  it('is believed about the controller that the handshake has proven, and about no other', () => {
    expect(answerOf(enrolled, controller)).toMatchObject({ ok: true });
    const refused = { ok: false, code: 'LINK_CONTROLLER_IDENTITY' };
    for (const change of [{ controllerId: 'x' }, { controllerKey: 'x' }])
      expect(answerOf({ ...enrolled, ...change }, controller)).toMatchObject(refused);
    expect(answerOf(enrolled, null)).toMatchObject(refused);
    expect(answerOf({ t: 'ready' }, controller)).toBeNull();
  });
});

describe('the command', () => {
  let root: string;
  const at = (name: string): string => join(root, name);
  const run = (args: readonly string[]): Promise<boolean> =>
    runEnrol({
      args,
      paths: {
        configDir: at('etc'),
        trustFile: at('etc/trust.json'),
        policyFile: at('etc/policy.toml'),
        linkDir: at('link'),
        linkKeyFile: at('link/key.json'),
        executorDir: at('executor'),
        receiptKeyFile: at('executor/key.json'),
      },
      agentVersion: '1',
      isInstalled: false,
      print: () => expect.fail('nothing is printed'),
    });
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'hauban-enrol-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('needs both the address and the token', async () => {
    for (const args of [[], ['--url', 'https://hauban.example'], ['--token', 'x']])
      await expect(run(args)).rejects.toMatchObject({ code: 'CONFIG_BAD' });
    expect(readdirSync(root)).toEqual([]);
  });

  it('ENROL6 does not replace a damaged enrolment unless it is told to', async () => {
    mkdirSync(dirname(at('etc/trust.json')));
    writeFileSync(at('etc/trust.json'), 'x');
    await expect(run(['--url', 'https://hauban.example', '--token', 'x'])).rejects.toMatchObject({
      code: 'CONFIG_BAD',
    });
    expect(readdirSync(root)).toEqual(['etc']);
  });
});
