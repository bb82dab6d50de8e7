import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningProgram } from '../program.ts';
import { requestHttp } from '../http-request.ts';
import { labRequirements } from '../requirements.ts';
import { ACCOUNT, expectDone, standHostingNode, type HostingNode } from './hosting-node.ts';
import { snapshotNode } from './node-snapshot.ts';

const lab = labRequirements();
const DOMAIN = ACCOUNT.domain;
const WEBROOT = `/srv/vol1/${ACCOUNT.name}/var/www`;
const INCOMING = `/etc/hosting/tls/incoming/${DOMAIN}`;
const ACME = 'https://localhost:14000/dir';
/** The authority's certificates are good for so long: due for renewal from the first day. */
const VALID_S = 20 * 24 * 3600;

/** Runs what follows `--`, as `systemd-run` does where systemd is process 1. */
const UNIT_RUNNER = `#!${process.execPath}
const { spawnSync } = require('node:child_process');
const [program, ...args] = process.argv.slice(process.argv.indexOf('--') + 1);
process.exitCode = spawnSync(program, args, { stdio: 'inherit' }).status ?? 1;
`;

const PEBBLE = {
  pebble: {
    listenAddress: '127.0.0.1:14000',
    managementListenAddress: '127.0.0.1:15000',
    certificate: '/etc/pebble/cert.pem',
    privateKey: '/etc/pebble/key.pem',
    httpPort: 80,
    tlsPort: 443,
    ocspResponderURL: '',
    externalAccountBindingRequired: false,
    certificateValidityPeriod: VALID_S,
  },
};

describe.skipIf(!lab.ok)('renewal by certbot at a real ACME authority', () => {
  let hosting: HostingNode;
  let authority: RunningProgram;
  const renew = () => hosting.actions.apply('tls.renew', { domain: DOMAIN });
  const incoming = async (): Promise<X509Certificate> =>
    new X509Certificate(await hosting.node.readFile(`${INCOMING}/fullchain.pem`));
  const served = async (): Promise<string> => {
    const { stdout } = await hosting.node.run('/usr/bin/openssl', [
      ...['s_client', '-connect', '127.0.0.1:443', '-servername', DOMAIN],
    ]);
    return new X509Certificate(stdout.slice(stdout.indexOf('-----BEGIN'))).serialNumber;
  };

  async function startAuthority(): Promise<void> {
    const { node } = hosting;
    await node.mustRun('/usr/bin/mkdir', ['-p', '/etc/pebble']);
    await node.mustRun('/usr/bin/openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
      ...['-keyout', '/etc/pebble/key.pem', '-out', '/etc/pebble/cert.pem'],
    ]);
    await node.writeFile('/etc/pebble/pebble.json', JSON.stringify(PEBBLE));
    const trusted = '/etc/ssl/certs/ca-certificates.crt';
    await node.writeFile(trusted, (await node.readFile(trusted)) + (await node.readFile('/etc/pebble/cert.pem')));
    const names = await node.spawn('/usr/bin/pebble-challtestsrv', [
      ...['-defaultIPv4', '127.0.0.1', '-defaultIPv6', '', '-dns01', '127.0.0.1:8053'],
      ...['-http01', '', '-https01', '', '-tlsalpn01', '', '-management', '127.0.0.1:8055'],
    ]);
    await names.waitForOutput('Starting', 20_000);
    authority = await node.spawn(
      '/usr/bin/pebble',
      ['-config', '/etc/pebble/pebble.json', '-dnsserver', '127.0.0.1:8053'],
      {
        env: { PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0' },
      },
    );
    await authority.waitForOutput('Listening on', 20_000);
  }

  beforeAll(async () => {
    hosting = await standHostingNode({ name: 'acme' });
    const { node, actions } = hosting;
    expectDone(await actions.apply('account.create', ACCOUNT));
    await node.writeFile('/usr/bin/systemd-run', UNIT_RUNNER, 0o755);
    await startAuthority();
  });
  afterAll(() => hosting.node.destroy());

  it('is refused while certbot does not know the name', async () => {
    expect(await renew()).toMatchObject({ ok: false, detail: expect.stringContaining('certbot does not know') });
  });

  it('takes what certbot has, installs it, and has it renewed by the authority', async () => {
    const { node, actions } = hosting;
    await node.mustRun(
      '/usr/bin/certbot',
      [
        ...['certonly', '--non-interactive', '--agree-tos', '--register-unsafely-without-email', '--server', ACME],
        ...['--webroot', '--webroot-path', WEBROOT, '--cert-name', DOMAIN, '--domain', DOMAIN],
      ],
      { timeoutMs: 120_000 },
    );
    expectDone(await renew());
    const first = await incoming();
    expect(first.checkHost(DOMAIN)).toBe(DOMAIN);
    expectDone(await actions.apply('tls.install', { domain: DOMAIN }));
    expectDone(await actions.apply('site.update', { account: ACCOUNT.name, domain: DOMAIN, https: 'both' }));
    expect(await served()).toBe(first.serialNumber);
    const before = await snapshotNode(node);
    const renewed = expectDone(await renew());
    expect(JSON.stringify(renewed)).not.toContain((await node.readFile(`${INCOMING}/privkey.pem`)).split('\n')[1]);
    const second = await incoming();
    expect(second.serialNumber).not.toBe(first.serialNumber);
    // What is in use is the old one until it is installed.
    expect(await served()).toBe(first.serialNumber);
    expect(await snapshotNode(node)).not.toBe(before);
    expectDone(await actions.apply('tls.install', { domain: DOMAIN }));
    expect(await served()).toBe(second.serialNumber);
  });

  it('killed in the middle, the certificate in use stays, and it can be ordered again', async () => {
    const { actions } = hosting;
    const inUse = await served();
    const { changes } = expectDone(await actions.plan('tls.renew', { domain: DOMAIN }));
    for (const dieAt of changes.keys())
      await expect(actions.apply('tls.renew', { domain: DOMAIN }, { dieAt })).rejects.toThrow();
    expect(await served()).toBe(inUse);
    expect(await requestHttp(hosting.node, { url: 'https://127.0.0.1/', host: DOMAIN })).toMatchObject({ status: 200 });
    // certbot, which has a unit of its own, may still hold its lock.
    await expect.poll(async () => (await renew()).ok, { timeout: 60_000, interval: 500 }).toBe(true);
    expectDone(await actions.apply('tls.install', { domain: DOMAIN }));
    expect(await served()).toBe((await incoming()).serialNumber);
  });

  it('fails with what certbot says when the authority does not answer, and nothing that is in use changes', async () => {
    const inUse = await served();
    await authority.stop();
    expect(await renew()).toMatchObject({
      ok: false,
      code: 'PROGRAM_FAILED',
      detail: expect.stringContaining('certbot renew'),
    });
    expect(await served()).toBe(inUse);
  });
});
