import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadControllerConfig, loadSignerConfig, parseListen, parsePublicUrl } from './config.ts';

const good = {
  DATABASE_URL: 'postgres://u:p@localhost/hauban',
  HAUBAN_SIGNER_SOCKET: '/run/hauban/signer.sock',
  HAUBAN_CONTROLLER_DIR: '/var/lib/hauban',
};

describe('loadControllerConfig', () => {
  it('needs three variables; the rest has defaults', () => {
    expect(loadControllerConfig(good)).toEqual({
      databaseUrl: good.DATABASE_URL,
      host: '127.0.0.1',
      port: 7460,
      publicUrl: null,
      signerSocket: good.HAUBAN_SIGNER_SOCKET,
      controllerDir: good.HAUBAN_CONTROLLER_DIR,
      tls: null,
      uiDir: null,
      trustedProxies: [],
      auditWitnessFile: null,
      auditWitnessUrl: null,
      signOnText: null,
      webhookText: null,
      logLevel: 'info',
    });
  });

  it.each<[string, Record<string, string | undefined>, RegExp]>([
    ['no database', { DATABASE_URL: undefined }, /^DATABASE_URL is not set/],
    ['no signer', { HAUBAN_SIGNER_SOCKET: '' }, /^HAUBAN_SIGNER_SOCKET is not set/],
    ['a relative folder', { HAUBAN_CONTROLLER_DIR: 'data' }, /^HAUBAN_CONTROLLER_DIR must be an absolute path/],
    ['a port that is none', { HAUBAN_LISTEN: 'localhost:99999' }, /^HAUBAN_LISTEN must be host:port/],
    ['a listen address with a path', { HAUBAN_LISTEN: 'http://localhost:1' }, /^HAUBAN_LISTEN/],
    ['a public address with a path', { HAUBAN_PUBLIC_URL: 'https://x.example/hauban' }, /^HAUBAN_PUBLIC_URL/],
    ['a public address of another kind', { HAUBAN_PUBLIC_URL: 'javascript:alert(1)' }, /^HAUBAN_PUBLIC_URL/],
    ['a certificate without key', { HAUBAN_TLS_CERT: '/etc/hostname' }, /go together/],
    [
      'a certificate that is not there',
      { HAUBAN_TLS_CERT: '/nonexistent', HAUBAN_TLS_KEY: '/nonexistent' },
      /cannot be read \(ENOENT\)/,
    ],
    ['a log level that is none', { HAUBAN_LOG_LEVEL: 'loud' }, /^HAUBAN_LOG_LEVEL must be one of/],
  ])('says in one sentence what is wrong with %s', (_name, env, says) => {
    const load = (): unknown => loadControllerConfig({ ...good, ...env });
    expect(load).toThrow(
      expect.objectContaining({ code: 'CONFIG_BAD', detail: expect.stringMatching(says) as string }) as Error,
    );
  });

  it('reads certificate, key and proxies', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hauban-config-'));
    await writeFile(join(folder, 'cert'), 'C');
    await writeFile(join(folder, 'key'), 'K');
    const config = loadControllerConfig({
      ...good,
      HAUBAN_TLS_CERT: join(folder, 'cert'),
      HAUBAN_TLS_KEY: join(folder, 'key'),
      HAUBAN_TRUSTED_PROXIES: '127.0.0.1, ::1',
    });
    expect(config).toMatchObject({ tls: { cert: 'C', key: 'K' }, trustedProxies: ['127.0.0.1', '::1'] });
    await rm(folder, { recursive: true });
  });
});

describe('parseListen and parsePublicUrl', () => {
  it('take names, IPv4 and IPv6', () => {
    expect(parseListen('0.0.0.0:80')).toEqual({ host: '0.0.0.0', port: 80 });
    expect(parseListen('[::1]:7460')).toEqual({ host: '::1', port: 7460 });
    expect(parsePublicUrl('https://hauban.example:8443').origin).toBe('https://hauban.example:8443');
  });
});

describe('loadSignerConfig', () => {
  it('needs a socket and a folder', () => {
    expect(() => loadSignerConfig({ HAUBAN_SIGNER_SOCKET: '/x' })).toThrow('HAUBAN_SIGNER_DIR is not set');
  });

  it('knows two places of a passphrase: a systemd credential and a named file', () => {
    const base = { HAUBAN_SIGNER_SOCKET: '/x', HAUBAN_SIGNER_DIR: '/y' };
    expect(loadSignerConfig(base).passphrase).toEqual({ credential: null, file: null });
    const both = { ...base, CREDENTIALS_DIRECTORY: '/run/credentials/s', HAUBAN_SIGNER_PASSPHRASE_FILE: '/etc/p' };
    expect(loadSignerConfig(both).passphrase).toEqual({
      credential: '/run/credentials/s/hauban-signer-passphrase',
      file: '/etc/p',
    });
    expect(() => loadSignerConfig({ ...base, HAUBAN_SIGNER_PASSPHRASE_FILE: 'p' })).toThrow('absolute path');
  });

  it('knows a token by its library, label and PIN file, and takes nothing less', () => {
    const base = { HAUBAN_SIGNER_SOCKET: '/x', HAUBAN_SIGNER_DIR: '/y' };
    expect(loadSignerConfig(base).token).toBeNull();
    expect(loadSignerConfig({ ...base, HAUBAN_SIGNER_PKCS11: '/lib/t.so, hauban, /etc/pin' }).token).toEqual({
      module: '/lib/t.so',
      tokenLabel: 'hauban',
      pinFile: '/etc/pin',
    });
    for (const wrong of ['t.so,hauban,/etc/pin', '/lib/t.so,,/etc/pin', '/lib/t.so,hauban', '/lib/t.so,a,/b,/c'])
      expect(() => loadSignerConfig({ ...base, HAUBAN_SIGNER_PKCS11: wrong })).toThrow('HAUBAN_SIGNER_PKCS11 must be');
  });
});
