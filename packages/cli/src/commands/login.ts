import type { CliSignInPolled, CliSignInStarted, TokenCreated } from '@hauban/shared/api';
import type { Command } from 'commander';
import { forgetAccount, saveAccount } from '../account-file.ts';
import { createApiClient } from '../api-client.ts';
import { CliError } from '../cli-error.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { plainLine } from '../plain-text.ts';

function parseUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch (error) {
    throw new CliError(
      EXIT.usage,
      'BAD_REQUEST',
      `"${text}" is not an address: it looks like https://hauban.example.net.`,
      { cause: error },
    );
  }
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback)) {
    throw new CliError(
      EXIT.usage,
      'BAD_REQUEST',
      `${url.origin} is not encrypted: use https (http is accepted for localhost only).`,
    );
  }
  return url.origin;
}

/** Device flow: the person approves a short code in the page, with whatever sign-in the page asks for. */
async function byApproval(context: Context, url: string): Promise<{ token: string; name: string }> {
  const api = createApiClient(url, null);
  const started = await api.post<CliSignInStarted>('/api/cli-sign-in', {});
  context.terminal.err(`Open ${plainLine(started.verifyUrl)}\nand approve the code  ${plainLine(started.userCode)}`);
  while (Date.now() < started.expiresAt) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(500, started.intervalMs)));
    const polled = await api.post<CliSignInPolled>('/api/cli-sign-in/poll', {
      deviceCode: started.deviceCode,
    });
    if (polled.state === 'approved') return { token: polled.token, name: polled.name };
  }
  throw new CliError(
    EXIT.notAllowed,
    'SIGN_IN_REFUSED',
    'The code was not approved in time: run "hauban login" again.',
  );
}

async function postSignIn(url: string, body: object): Promise<Response> {
  try {
    return await fetch(`${url}/api/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: url },
      body: JSON.stringify(body),
    });
  } catch (error) {
    throw new CliError(
      EXIT.unreachable,
      'UNREACHABLE',
      `${url} does not answer: check the address and that the controller runs.`,
      { cause: error },
    );
  }
}

/** The code of a refusal; empty when the answer is none of ours. */
async function codeOf(reply: Response): Promise<string> {
  try {
    const { code } = (await reply.json()) as { code?: unknown };
    return typeof code === 'string' ? code : '';
  } catch (error) {
    if (error instanceof SyntaxError) return '';
    throw error;
  }
}

/** Password from standard input or a prompt; gives an API token, so the password is kept nowhere. */
async function byPassword(context: Context, url: string, name: string): Promise<{ token: string; name: string }> {
  const password = await context.terminal.ask(`Password of ${name}: `, { hidden: true });
  let reply = await postSignIn(url, { name, password });
  if (!reply.ok && (await codeOf(reply)) === 'SECOND_FACTOR_NEEDED') {
    const code = (await context.terminal.ask('Code of your authenticator app: ')).trim();
    reply = await postSignIn(url, { name, password, code });
  }
  if (!reply.ok)
    throw new CliError(EXIT.notAllowed, 'SIGN_IN_REFUSED', 'The name, the password or the code is not right.');
  const cookie = reply.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  const made = await fetch(`${url}/api/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url, cookie },
    body: JSON.stringify({ name: 'command line', expiresInDays: 30 }),
  });
  if (!made.ok)
    throw new CliError(EXIT.notAllowed, 'FORBIDDEN', `The controller made no token (it answered ${made.status}).`);
  const token = (await made.json()) as TokenCreated;
  await fetch(`${url}/api/sign-out`, {
    method: 'POST',
    headers: { origin: url, cookie, 'content-type': 'application/json' },
    body: '{}',
  });
  return { token: token.secret, name };
}

export function addLogin(program: Command, context: Context): void {
  program
    .command('login')
    .description('Sign this command line in; the token is kept in a file that only you can read')
    .argument('<url>', 'address of the controller')
    .option(
      '--user <name>',
      'sign in with a password (from a prompt or standard input) instead of an approval in the page',
    )
    .action(async (address: string, options: { user?: string }) => {
      const url = parseUrl(address);
      const { token, name } =
        options.user === undefined ? await byApproval(context, url) : await byPassword(context, url, options.user);
      const path = saveAccount(context.env, { url, token, name });
      context.terminal.err(`Signed in at ${url} as ${plainLine(name)}; the token is in ${path}.`);
    });
  program
    .command('logout')
    .description('Forget the token of this command line')
    .action(() => {
      forgetAccount(context.env);
      context.terminal.err('Signed out. Delete the token itself in the page, under Account.');
    });
}
