/** A PKCS#11 token in a folder of its own (SoftHSM), with a PIN. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const SOFT_TOKEN_MODULE = '/usr/lib/softhsm/libsofthsm2.so';
export const SOFT_TOKEN_PIN = '87654321';
const UTIL = '/usr/bin/softhsm2-util';
const TOKENS = 'SOFTHSM2_CONF';

export const hasSoftHsm = existsSync(SOFT_TOKEN_MODULE) && existsSync(UTIL);

export interface SoftToken {
  readonly folder: string;
  readonly settings: { readonly module: string; readonly tokenLabel: string; readonly pinFile: string };
  /** The module finds no token any more, and the folder is gone. */
  remove(): void;
}

/** The module of this process finds it by the environment: one at a time. */
export function createSoftToken(): SoftToken {
  const before = process.env[TOKENS];
  const folder = mkdtempSync(join(tmpdir(), 'hauban-token-'));
  const conf = join(folder, 'softhsm2.conf');
  mkdirSync(join(folder, 'tokens'));
  writeFileSync(conf, `directories.tokendir = ${folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n`);
  const pinFile = join(folder, 'pin');
  writeFileSync(pinFile, `${SOFT_TOKEN_PIN}\n`, { mode: 0o600 });
  const init = ['--init-token', '--free', '--label', 'hauban', '--so-pin', '12345678', '--pin', SOFT_TOKEN_PIN];
  execFileSync(UTIL, init, { cwd: '/', env: { [TOKENS]: conf }, timeout: 20_000 });
  process.env[TOKENS] = conf;
  return {
    folder,
    settings: { module: SOFT_TOKEN_MODULE, tokenLabel: 'hauban', pinFile },
    remove: () => {
      if (before === undefined) delete process.env[TOKENS];
      else process.env[TOKENS] = before;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
