import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { CliError } from './cli-error.ts';
import { EXIT } from './exit-codes.ts';

/** Address of the controller and the token that `login` got; the file is readable by its owner only. */
export interface Account {
  readonly url: string;
  readonly token: string;
  readonly name: string;
}

type Env = Readonly<Record<string, string | undefined>>;

function accountPath(env: Env): string {
  const base = env['XDG_CONFIG_HOME'] ?? join(env['HOME'] ?? homedir(), '.config');
  return join(base, 'hauban', 'account.json');
}

export function saveAccount(env: Env, account: Account): string {
  const path = accountPath(env);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, `${JSON.stringify(account, null, 2)}\n`, { mode: 0o600 });
  chmodSync(`${path}.new`, 0o600);
  renameSync(`${path}.new`, path);
  return path;
}

export function forgetAccount(env: Env): void {
  rmSync(accountPath(env), { force: true });
}

/** HAUBAN_URL with HAUBAN_TOKEN, else the file that `login` wrote. */
export function loadAccount(env: Env): Account {
  const { HAUBAN_URL: url, HAUBAN_TOKEN: token } = env;
  if (url !== undefined && token !== undefined) return { url: url.replace(/\/+$/, ''), token, name: 'token' };
  let source: string;
  try {
    source = readFileSync(accountPath(env), 'utf8');
  } catch (error) {
    throw new CliError(
      EXIT.notAllowed,
      'NOT_SIGNED_IN',
      'Not signed in: run "hauban login URL", or set HAUBAN_URL and HAUBAN_TOKEN.',
      { cause: error },
    );
  }
  const parsed = JSON.parse(source) as Partial<Account>;
  if (typeof parsed.url !== 'string' || typeof parsed.token !== 'string') {
    throw new CliError(
      EXIT.notAllowed,
      'NOT_SIGNED_IN',
      `${accountPath(env)} is damaged: run "hauban login URL" again.`,
    );
  }
  return { url: parsed.url, token: parsed.token, name: parsed.name ?? '' };
}
