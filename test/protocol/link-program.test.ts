import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import type { ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLiveDecoder, parseSeriesList } from '@hauban/shared/metrics';
import { readWindowJournal } from '../../packages/agent/src/spool/window-journal.ts';
import { runAgentProgram, startAgentProgram } from '../support/agent-program.ts';
import { FakeController } from '../support/fake-controller.ts';
import { waitFor } from '../support/wait-for.ts';

/** The real link process, as it runs on a node, against the real gateway. */
let controller: FakeController;
let root: string;
let child: ChildProcess;
let output: string;

beforeEach(async () => {
  controller = await FakeController.start();
  root = mkdtempSync(join(tmpdir(), 'hb-'));
  const enrolled = await runAgentProgram([
    'enrol',
    '--root',
    root,
    '--url',
    controller.url,
    '--token',
    controller.joinToken(),
  ]);
  expect(enrolled.status).toBe(0);
  output = '';
  child = await startAgentProgram(['link', '--root', root]);
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
});
afterEach(async () => {
  child.kill('SIGKILL');
  await controller.stop();
  rmSync(root, { recursive: true });
});

const exitOf = (process: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => process.once('exit', resolve));

// A tick comes every 10 s, and a node without executor waits for it for a while at first.
describe('the link process', { timeout: 120_000 }, () => {
  it('LIFE2 METRIC1 INV1 comes up, says that it is ready, reports this machine, and ends in order on SIGTERM', async () => {
    await waitFor('ready', () => output.split('\n').some((line) => line.includes('"ready":true')));
    const { status } = await waitFor('the status', () => controller.told.statuses[0] ?? null);
    // Nobody runs the executor here: the node says so instead of waiting for ever.
    expect(status).toMatchObject({ isRoot: false, actions: [], policyText: '' });
    await waitFor('a live frame', () => controller.told.live.length > 0);
    const list = parseSeriesList(controller.told.series.at(-1));
    const decoded = list.ok ? createLiveDecoder(list.value).decode(controller.told.live[0] ?? new Uint8Array(0)) : null;
    expect(decoded).toMatchObject({ ok: true, tick: { isKey: true } });
    await waitFor('the inventory', () => controller.told.inventories.length > 0);
    const names = controller.told.inventories.flatMap(({ sections }) => sections.map(({ name }) => name));
    expect(names).toContain('os');
    child.kill('SIGTERM');
    expect(await exitOf(child)).toBe(0);
    await waitFor('the goodbye', () => controller.told.ends.length === 1);
    expect(controller.told.ends[0]).toMatchObject({ code: 1000 });
    expect(output).not.toMatch(/"level":(50|60)/);
    expect(controller.told.faults).toEqual([]);
    // The window that was open is sealed; the next process sends it.
    expect(readdirSync(join(root, 'link/spool')).filter((name) => name.endsWith('.chunk'))).toHaveLength(1);
  });

  it('METRIC3 LIFE3 a killed link process is followed by one that takes its place and sends what was kept', async () => {
    await waitFor('the first link', () => controller.told.statuses.length === 1);
    // The live frame of a tick goes out before its row is on the disk.
    await waitFor('a tick in the journal', async () => {
      const names = readdirSync(join(root, 'link/spool')).filter((name) => name.endsWith('.window'));
      const journals = await Promise.all(names.map((name) => readWindowJournal(join(root, 'link/spool', name))));
      return journals.some((journal) => (journal?.rows.length ?? 0) > 0);
    });
    child.kill('SIGKILL');
    await exitOf(child);
    child = await startAgentProgram(['link', '--root', root]);
    await waitFor('the second link', () => controller.told.statuses.length === 2);
    await waitFor('the recovered chunk', () => controller.told.chunks.length > 0);
    await waitFor(
      'an empty spool',
      () => !readdirSync(join(root, 'link/spool')).some((name) => name.endsWith('.chunk')),
    );
    expect(controller.told.statuses.map(({ link }) => link.epoch)).toEqual([1, 2]);
  });
});
