import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeFirstAccount, runOnNode } from '../../support/first-account.ts';
import { findRepositoryFolder } from '../lab-folders.ts';
import { loadLabState } from '../lab-state.ts';
import { describeLabTraces } from '../lab-traces.ts';
import { runProgram, type ProgramResult } from '../program.ts';
import { labRequirements } from '../requirements.ts';
import { waitForNode } from './installed-agent.ts';

const lab = labRequirements();
const isUp = lab.ok && loadLabState() !== null;

const command = (...words: string[]): Promise<ProgramResult> =>
  runProgram(process.execPath, [join(findRepositoryFolder(), 'scripts/lab.mjs'), ...words], { timeoutMs: 280_000 });

describe.skipIf(!lab.ok || isUp)('npm run lab -- up', () => {
  it('leaves a controller and two nodes with agents running for a person, and takes them away again', async () => {
    const before = await describeLabTraces();
    try {
      const started = await command('up');
      expect(started, started.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('web2') });
      const url = /^The page: +(\S+)$/m.exec(started.stdout)?.[1] ?? '';
      const setupUrl = /(http\S+\/setup\?\S+)/.exec(started.stdout)?.[1] ?? '';
      expect((await fetch(url)).status).toBe(200);
      expect(await command('status')).toMatchObject({ code: 0, stdout: expect.stringContaining(setupUrl) });
      const client = await makeFirstAccount({ url, setupUrl });
      for (const name of ['web1', 'web2']) {
        const { id } = await waitForNode(client, name, 'up');
        expect(await runOnNode(client, id, 'node.ping')).toMatchObject({ state: 'succeeded' });
      }
    } finally {
      expect(await command('down')).toMatchObject({ code: 0 });
    }
    expect(loadLabState()).toBeNull();
    expect(await describeLabTraces()).toEqual(before);
  });
});
