import { systemClock } from '@hauban/link';
import { loadSignerConfig } from '../config.ts';
import { createLog } from '../runtime/index.ts';
import { runSigner } from '../signer/index.ts';
import { tellReady } from './standard-output.ts';
import { stopSignal } from './stop-signal.ts';

export async function serveSigner(): Promise<void> {
  const config = loadSignerConfig(process.env);
  const log = createLog('info');
  const stopped = stopSignal();
  const running = await runSigner(config, systemClock, log);
  tellReady({ socket: config.socketPath });
  await stopped;
  await running.stop();
}
