import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, shoot } from './browser.ts';
import { openOwnerPage, sidewaysOf, type OwnerPage } from './owner-page.ts';

const NODES = 5000;
const why = hasChromium() ? '' : ' (needs chromium: apt-get install chromium)';

/** The stack's own database, by what PostgreSQL says of itself in its folder. */
function openDatabase(pid: number): postgres.Sql {
  const cluster = readlinkSync(`/proc/${pid}/cwd`);
  const lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n');
  const password = readFileSync(join(cluster, '../password'), 'utf8').trim();
  const [port, socket] = [lines[3] ?? '', lines[4] ?? ''];
  return postgres({ host: socket, port: Number(port), user: 'hauban', password, database: 'hauban', max: 1 });
}

/** Nodes that are away, and a run in waves over them that is paused, so that nobody but this test changes it. */
async function addLargeRun(sql: postgres.Sql, runId: string): Promise<void> {
  const waves = [1, 499, 1250, 2500, 750];
  const rollout = {
    waves,
    hasCanary: true,
    maxInFlight: 500,
    pauseMs: 10_000,
    healthGate: true,
    stopAfter: 250,
    stopAfterInCanary: 1,
    onFailure: 'stop',
  };
  await sql`
    INSERT INTO node (id, host_name, link_key, receipt_key, join_token_id, labels, roles, enrolled_at, os, agent_version)
    SELECT gen_random_uuid(), 'web' || lpad(n::text, 4, '0') || '.example.net', 'large' || n, 'x', token.id, '{}', '{web}', 0, 'Debian 12', ''
    FROM generate_series(1, ${NODES}) AS n, (SELECT id FROM join_token LIMIT 1) AS token`;
  const later = Date.now() + 86_400_000;
  await sql`
    INSERT INTO run (id, action, action_version, mode, args, requester_id, requester, via, request_hash, created_at, expires_at,
      open_targets, node_count, rollout, state, says, selector, wave)
    VALUES (${runId}, 'php.switch-version', 1, 'apply', ${sql.json({ account: 'w4a100010', to: '8.4' })}, 'x', 'founder', 'page', 'x',
      ${Date.now()}, ${later}, ${NODES}, ${NODES}, ${sql.json(rollout)}, 'paused', 'Paused.', 'role=web', 2)`;
  await sql`
    INSERT INTO run_target (order_id, run_id, node_id, state, expires_at, wave)
    SELECT gen_random_uuid(), ${runId}, id, 'waiting', ${later},
      CASE WHEN n <= 1 THEN 0 WHEN n <= 500 THEN 1 WHEN n <= 1750 THEN 2 WHEN n <= 4250 THEN 3 ELSE 4 END
    FROM (SELECT id, row_number() OVER (ORDER BY host_name) AS n FROM node WHERE host_name LIKE 'web%.example.net') AS numbered`;
}

/** Some hundred nodes get on: what is waiting works, what works ends, a few of them badly. */
async function moveOn(sql: postgres.Sql, runId: string): Promise<void> {
  await sql`UPDATE run_target SET finished_at = 1,
    state = CASE hashtext(node_id::text) % 40 WHEN 0 THEN 'failed' WHEN 1 THEN 'refused' ELSE 'succeeded' END,
    code = CASE hashtext(node_id::text) % 40 WHEN 0 THEN 'ACTION_FAILED' WHEN 1 THEN 'ACTION_REFUSED' END,
    detail = CASE hashtext(node_id::text) % 40 WHEN 0 THEN 'disk full' WHEN 1 THEN 'there is no PHP 8.4 on this node' ELSE '' END
    WHERE run_id = ${runId} AND state = 'started'`;
  await sql`UPDATE run_target SET state = 'started' WHERE order_id IN (
    SELECT order_id FROM run_target WHERE run_id = ${runId} AND state = 'waiting' ORDER BY wave LIMIT 400)`;
}

describe.skipIf(!hasChromium())(`a run over ${NODES} nodes in a real browser${why}`, () => {
  let owner: OwnerPage;
  let sql: postgres.Sql;
  const runId = randomUUID();

  beforeAll(async () => {
    owner = await openOwnerPage();
    sql = openDatabase(owner.stack.pid('postgres') ?? 0);
    await addLargeRun(sql, runId);
  });
  afterAll(async () => {
    await sql.end();
    await owner.stop();
  });

  it('is followed wave by wave; prints how long the page was busy at a stretch', async () => {
    const { page, stack } = owner;
    await page.goto(`${stack.url}/runs/${runId}`);
    const cells = page.getByRole('listbox', { name: new RegExp(`^${NODES} nodes by wave`) });
    await cells.waitFor();
    await page.evaluate(() => {
      const seen: number[] = [];
      Object.assign(globalThis, { longTasksMs: seen });
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) seen.push(duration);
      }).observe({ type: 'longtask', buffered: false });
    });
    for (let step = 0; step < 5; step += 1) {
      const before = await page.getByRole('progressbar').getAttribute('value');
      await moveOn(sql, runId);
      await moveOn(sql, runId);
      await expect
        .poll(async () => await page.getByRole('progressbar').getAttribute('value'), { timeout: 30_000 })
        .not.toBe(before);
    }
    await shoot(page, 'large-run-01');
    const busyMs = await page.evaluate(() =>
      (globalThis as unknown as { longTasksMs: number[] }).longTasksMs.splice(0),
    );
    const longest = Math.max(0, ...busyMs);
    const over100 = busyMs.filter((ms) => ms > 100).length;
    process.stdout.write(
      `large run: ${NODES} nodes, ${busyMs.length} long tasks, ${over100} over 100 ms, longest ${longest.toFixed(0)} ms\n`,
    );
    // One that is made on purpose is seen: none before it means that there was none.
    await page.evaluate(() => {
      setTimeout(() => {
        const untilMs = performance.now() + 120;
        while (performance.now() < untilMs);
      });
    });
    await page.waitForFunction(() => (globalThis as unknown as { longTasksMs: number[] }).longTasksMs.length > 0);
    expect(await sidewaysOf(page)).toBe(0);
  });

  it('its failures stand by cause, with a shell on each node a press away', async () => {
    const causes = owner.page.getByRole('region', { name: 'What did not end well' });
    await causes.getByText('disk full').first().waitFor();
    await causes.getByText('there is no PHP', { exact: false }).first().waitFor();
    const shell = causes.getByRole('link', { name: /^Shell on web/ }).first();
    expect(await shell.getAttribute('href')).toMatch(/^\/nodes\/[0-9a-f-]{36}\/shell$/);
  });

  it('a node is found by its name and by the keyboard, and says what it did', async () => {
    const { page } = owner;
    await page.getByRole('searchbox', { name: 'Search host names' }).fill('web0003');
    await page.getByRole('option').filter({ hasText: 'web0003.example.net' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'web0003.example.net' }).waitFor();
    await page.getByRole('listbox').focus();
    const first = await page.getByRole('option').innerText();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.getByRole('option').innerText()).not.toBe(first);
    await page.getByRole('button', { name: 'Next that needs a look' }).click();
    await page
      .getByRole('option')
      .filter({ hasText: /failed|refused/ })
      .waitFor();
    await shoot(page, 'large-run-02');
  });

  it('is cancelled with a reason; what a node has, it ends', async () => {
    const { page } = owner;
    await page.getByRole('button', { name: 'Cancel the rest' }).click();
    await page.getByRole('dialog').getByRole('textbox').fill('wrong version');
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel the rest' }).click();
    await page.getByText('Cancelled by founder: wrong version.').first().waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByText('400 working').first().waitFor();
    await shoot(page, 'large-run-03');
  });

  it('a selector shows which nodes it means, and says where it is wrong', async () => {
    const { page, stack } = owner;
    await page.goto(`${stack.url}/run/service.restart?on=${encodeURIComponent('role=web and name~web000*')}`);
    await page.getByText('9 nodes now, 0 of them connected').click();
    await page.getByText('web0007.example.net').waitFor();
    await page.getByLabel('How it goes over the nodes').selectOption('own');
    await page.getByLabel('Nodes that go first').fill('some');
    await page.getByText('0 to 1000').waitFor();
    await shoot(page, 'large-run-04');
    await page.getByRole('textbox', { name: 'Nodes that are meant' }).fill('role=');
    await expect
      .poll(() => page.getByRole('textbox', { name: 'Nodes that are meant' }).getAttribute('aria-invalid'))
      .toBe('true');
  });

  it('the catalogue is filtered, past runs are searched', async () => {
    const { page, stack } = owner;
    await page.goto(`${stack.url}/actions`);
    await page.getByLabel('Search actions').fill('version php');
    await page.getByRole('link', { name: 'php.switch-version' }).waitFor();
    await shoot(page, 'large-run-05');
    await page.goto(`${stack.url}/runs?text=w4a100010`);
    await page.getByRole('table', { name: 'Runs' }).getByRole('link', { name: 'php.switch-version' }).waitFor();
    await shoot(page, 'large-run-06');
    expect(owner.complaints).toEqual([]);
  });
});
