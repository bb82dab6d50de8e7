import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { bundleProgram } from '../../../../test/support/bundle-program.ts';

it('a program ends when it is asked to, though nobody reads its log any more', async () => {
  const bundle = await bundleProgram('../packages/controller/src/runtime/log.ts');
  const source = `
    import { createLog } from ${JSON.stringify(pathToFileURL(bundle).href)};
    process.once('message', () => {
      const log = createLog('info');
      log.info({}, 'one');
      log.info({}, 'two');
      process.exit(7);
    });
    process.send('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    cwd: '/',
    env: {},
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Longer than it takes on a busy machine, and shorter than a test may take.
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  try {
    const ended = once(child, 'exit');
    await once(child, 'message');
    child.stderr?.destroy();
    child.send('go');
    expect(await ended).toEqual([7, null]);
  } finally {
    await rm(bundle);
  }
});
