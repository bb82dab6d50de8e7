import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepPostgres } from './keep-postgres.ts';
import { loadPostmasterFile, postgresProcesses } from './postmaster-file.ts';

let dataDir = '';
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'hauban-kept-'));
  await chmod(dataDir, 0o755);
});
afterEach(async () => rm(dataDir, { recursive: true, force: true }));

/** Pid of a server that is being started, or is ready; not that of `dead`. */
async function nextServer(dead: number | null, isReady: boolean): Promise<number> {
  for (const endsAt = Date.now() + 20_000; Date.now() < endsAt; await sleep(2)) {
    const file = await loadPostmasterFile(join(dataDir, 'cluster'));
    if (file !== null && file.pid !== dead && (file.isReady || !isReady)) return file.pid;
  }
  throw new Error('no server came');
}

describe('the kept PostgreSQL', () => {
  it('comes back after a kill -9, and after another one while it comes back', async () => {
    const kept = await keepPostgres({ dataDir }, (error) => {
      throw error;
    });
    const first = await nextServer(null, true);
    process.kill(first, 'SIGKILL');
    const second = await nextServer(first, false);
    process.kill(second, 'SIGKILL');
    expect(await nextServer(second, true)).not.toBe(first);
    await kept.stop();
    expect(await postgresProcesses(join(dataDir, 'cluster'))).toEqual([]);
  });

  it('leaves none when it is stopped while it comes back', async () => {
    const kept = await keepPostgres({ dataDir }, (error) => {
      throw error;
    });
    const first = await nextServer(null, true);
    process.kill(first, 'SIGKILL');
    await nextServer(first, false);
    await kept.stop();
    expect(await postgresProcesses(join(dataDir, 'cluster'))).toEqual([]);
  });
});
