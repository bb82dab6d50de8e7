import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { request } from 'node:http';

/** What the machine itself says, asked without the product. */

const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' };

async function run(
  program: string,
  args: readonly string[],
): Promise<{ readonly ok: boolean; readonly stdout: string }> {
  return await new Promise((resolve) => {
    execFile(program, [...args], { cwd: '/', env: environment, timeout: 20_000 }, (error, stdout) =>
      resolve({ ok: error === null, stdout }),
    );
  });
}

/** Addresses that the kernel drops now. */
export async function bannedAddresses(): Promise<ReadonlySet<string>> {
  const { ok, stdout } = await run('/usr/sbin/nft', ['--json', 'list', 'table', 'inet', 'hauban']);
  if (!ok) return new Set();
  const found = new Set<string>();
  const walk = (value: unknown): void => {
    if (typeof value === 'string' && /^\d+\.\d+\.\d+\.\d+$/.test(value)) found.add(value);
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(walk);
  };
  for (const entry of (JSON.parse(stdout) as { nftables: readonly Record<string, unknown>[] }).nftables)
    if ('set' in entry) walk(entry['set']);
  return found;
}

export function userIdOf(name: string): number | null {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`${name}:`));
  return line === undefined ? null : Number(line.split(':')[2]);
}

/** What account.create leaves on a machine, by path; empty when there is nothing of it. */
export function tracesOfAccount(name: string, domain: string): string[] {
  const groups = readFileSync('/etc/group', 'utf8').split('\n');
  return [
    ...(userIdOf(name) === null ? [] : ['passwd']),
    ...(groups.some((line) => line.startsWith(`${name}:`)) ? ['group'] : []),
    ...[
      `/srv/vol1/${name}`,
      `/etc/hosting/php/${name}`,
      `/run/hosting/${name}`,
      `/etc/apache2/sites-available/hosting-${name}--${domain}.conf`,
      `/etc/apache2/sites-enabled/hosting-${name}--${domain}.conf`,
    ].filter((path) => existsSync(path)),
  ];
}

/** The PHP version that an account's virtual host is led to. */
export function linkedVersion(account: string): string | null {
  try {
    return /\/(\d\.\d)\.sock$/.exec(readlinkSync(`/run/hosting/${account}.sock`))?.[1] ?? null;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
}

/** A request to the local Apache; the body, or why there is none. */
export async function loadPage(host: string): Promise<{ readonly status: number; readonly body: string }> {
  return await new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', path: '/', headers: { host }, agent: false, timeout: 10_000 });
    sent.on('timeout', () => sent.destroy(new Error('no answer')));
    sent.on('error', (error) => resolve({ status: 0, body: error.message }));
    sent.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.end();
  });
}
