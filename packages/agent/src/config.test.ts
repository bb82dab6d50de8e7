import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AGENT_VERSION, resolvePaths } from './config.ts';

describe('resolvePaths', () => {
  it('gives the installed places when nothing is said', () => {
    const paths = resolvePaths({}, {});
    expect(paths.trustFile).toBe('/etc/hauban/trust.json');
    expect(paths.linkKeyFile).toBe('/var/lib/hauban/link/link-key.json');
    expect(paths.receiptKeyFile).toBe('/var/lib/hauban/executor/receipt-key.json');
    expect(paths.executorSocket).toBe('/run/hauban/executor.sock');
  });

  it('takes each folder from the environment', () => {
    const paths = resolvePaths(
      {},
      { HAUBAN_CONFIG_DIR: '/a', HAUBAN_LINK_DIR: '/b', HAUBAN_EXECUTOR_DIR: '/c', HAUBAN_RUN_DIR: '/d' },
    );
    expect([paths.policyFile, paths.spoolDir, paths.journalDir, paths.shellsDir]).toEqual([
      '/a/policy.toml',
      '/b/spool',
      '/c/journal',
      '/d/shells',
    ]);
  });

  it('puts everything below --root whatever the environment says', () => {
    const paths = resolvePaths({ root: '/srv/n1' }, { HAUBAN_LINK_DIR: '/b' });
    expect([paths.configDir, paths.linkDir, paths.executorDir, paths.runDir]).toEqual([
      '/srv/n1/etc',
      '/srv/n1/link',
      '/srv/n1/executor',
      '/srv/n1/run',
    ]);
  });

  it('refuses a run folder in which no socket could be bound', () => {
    expect(() => resolvePaths({ root: `/${'x'.repeat(80)}` }, {})).toThrow(/too long for sockets/);
  });
});

it('the version is the one of package.json', () => {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  expect(AGENT_VERSION).toBe(manifest.version);
});
