import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findRepositoryFolder } from './lab-folders.ts';
import { describeLabTraces } from './lab-traces.ts';
import { loadLabState } from './lab-state.ts';
import { runProgram, type ProgramResult } from './program.ts';
import { labRequirements } from './requirements.ts';

const lab = labRequirements();
const isUp = lab.ok && loadLabState() !== null;
if (isUp) process.stderr.write('lab: a lab is up on this machine, its commands are not tested\n');

const command = (...words: string[]): Promise<ProgramResult> =>
  runProgram(process.execPath, [join(findRepositoryFolder(), 'scripts/lab.mjs'), ...words], { timeoutMs: 240_000 });

describe.skipIf(!lab.ok || isUp)('npm run lab', () => {
  it('leaves nodes running for a person, and takes them away again', async () => {
    const before = await describeLabTraces();
    expect(await command('status')).toMatchObject({ code: 3 });
    try {
      expect(await command('up', '--bare', '--nodes', '1')).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('10.213.0.10'),
      });
      expect(await command('enter', 'web1', '/usr/bin/systemctl', 'is-active', '--quiet', 'apache2')).toMatchObject({
        code: 0,
      });
      expect(await command('enter', 'web2')).toMatchObject({
        code: 2,
        stderr: 'There is no node "web2". Nodes: web1\n',
      });
      expect(await command('up')).toMatchObject({ code: 0, stdout: expect.stringContaining('1 node with') });
    } finally {
      expect(await command('down')).toMatchObject({ code: 0 });
    }
    expect(loadLabState()).toBeNull();
    expect(await describeLabTraces()).toEqual(before);
  });

  it.each([[['sideways']], [['up', '--nodes', '0']], [['up', '--colour']], [[]]])(
    'refuses %j with a sentence',
    async (words) => {
      const { code, stdout, stderr } = await command(...words);
      expect(code).toBeGreaterThan(0);
      expect(stdout + stderr).not.toBe('');
      expect(stdout + stderr).not.toMatch(/^\s+at /m);
    },
  );
});
