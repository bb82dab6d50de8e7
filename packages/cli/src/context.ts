import { loadAccount } from './account-file.ts';
import { createApiClient, type ApiClient } from './api-client.ts';
import type { Terminal } from './terminal.ts';

/** What every command gets. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly terminal: Terminal;
  /** Client of the signed-in account; an error with one sentence when there is none. */
  api(): ApiClient;
}

export function createContext(env: Context['env'], terminal: Terminal): Context {
  return {
    env,
    terminal,
    api: () => {
      const account = loadAccount(env);
      return createApiClient(account.url, account.token);
    },
  };
}

/** Prints JSON for programs, or what `people` makes of it. */
export function print(context: Context, isJson: boolean, value: unknown, people: () => string): void {
  context.terminal.out(isJson ? JSON.stringify(value, null, 2) : people());
}
