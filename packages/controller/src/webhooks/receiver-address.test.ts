import { HaubanError } from '@hauban/shared/errors';
import { describe, expect, it } from 'vitest';
import { createReceiverJudge } from './receiver-address.ts';
import { parseWebhookSettings } from './webhook-settings.ts';

const judge = createReceiverJudge({ allowNetworks: [], allowPorts: [] });
const refusal = (url: string): string => {
  try {
    judge.checkUrl(url);
    return 'taken';
  } catch (error) {
    return error instanceof HaubanError ? `${error.code}: ${error.detail}` : String(error);
  }
};

describe('an address of a webhook that leads inside', () => {
  it.each([
    ['the database on this machine', 'https://127.0.0.1/'],
    ['this machine, written as one number', 'https://2130706433/'],
    ['this machine, written in octal', 'https://0177.0.0.1/'],
    ['this machine, written short', 'https://127.1/'],
    ['this machine, as the unspecified address', 'https://0.0.0.0/'],
    ['this machine, by IPv6', 'https://[::1]/'],
    ['this machine, mapped into IPv6', 'https://[::ffff:127.0.0.1]/'],
    ['a cloud’s metadata', 'https://169.254.169.254/latest/meta-data'],
    ['a cloud’s metadata, mapped into IPv6', 'https://[::ffff:a9fe:a9fe]/'],
    ['a cloud’s metadata, through NAT64', 'https://[64:ff9b::a9fe:a9fe]/'],
    ['a cloud’s metadata, through NAT64 of one’s own', 'https://[64:ff9b:1::a9fe:a9fe]/'],
    ['a cloud’s metadata, through 6to4', 'https://[2002:a9fe:a9fe::]/'],
    ['a cloud’s metadata, through Teredo', 'https://[2001:0:a9fe:a9fe::1]/'],
    ['a cloud’s metadata, by IPv6', 'https://[fd00:ec2::254]/'],
    ['a cloud’s metadata at a public address', 'https://168.63.129.16/'],
    ['a private network of class A', 'https://10.1.2.3/'],
    ['a private network of class B', 'https://172.31.0.1/'],
    ['a private network of class C', 'https://192.168.1.1/'],
    ['a provider’s own network', 'https://100.100.100.200/'],
    ['link-local', 'https://[fe80::1]/'],
    ['site-local, as it once was', 'https://[fec0::1]/'],
    ['multicast', 'https://224.0.0.1/'],
    ['multicast, by IPv6', 'https://[ff02::1]/'],
    ['everybody', 'https://255.255.255.255/'],
    ['a reserved network', 'https://192.0.0.192/'],
    ['an address of examples', 'https://[2001:db8::1]/'],
  ])('is refused: %s', (_name, url) => {
    expect(refusal(url)).toMatch(/^BAD_REQUEST: A webhook may not be sent to /);
  });

  it.each([
    ['no https', 'http://example.com/', /only sent over https/],
    ['a file', 'file:///etc/passwd', /only sent over https/],
    ['no address at all', 'billing', /must be a whole one/],
    ['a user name in it', 'https://a@example.com/', /no user name or password/],
    ['a password in it', 'https://:b@example.com/', /no user name or password/],
    ['a fragment', 'https://example.com/#x', /ends before "#"/],
    ['the port of PostgreSQL', 'https://example.com:5432/', /port 5432/],
    ['the port of SSH', 'https://example.com:22/', /port 22/],
  ])('is refused: %s', (_name, url, says) => {
    expect(refusal(url)).toMatch(says);
  });

  it('is taken where it is public', () => {
    for (const url of ['https://example.com/x?y=1', 'https://93.184.215.14:8443/', 'https://[2606:2800:21f::1]/'])
      expect(refusal(url)).toBe('taken');
  });
});

describe('what root allows', () => {
  const allowed = createReceiverJudge({ allowNetworks: ['10.1.0.0/16', 'fd00:1::/48'], allowPorts: [5000] });

  it('is allowed, and what is beside it is not', () => {
    expect(['10.1.2.3', 'fd00:1::5'].map(allowed.problemOf)).toEqual([null, null]);
    expect(['10.2.0.1', 'fd00:2::5'].map(allowed.problemOf)).not.toContain(null);
    expect(allowed.checkUrl('https://10.1.2.3:5000/').href).toBe('https://10.1.2.3:5000/');
  });

  it('is not reached by writing an allowed IPv4 address as an IPv6 one', () => {
    expect(allowed.problemOf('::ffff:10.1.2.3')).toBe('an IPv4 address in disguise');
    expect(allowed.problemOf('not-an-address')).toBe('not an address');
  });

  it.each([
    ['{', /not JSON/],
    ['{"allowNetwork": []}', /HAUBAN_WEBHOOK_FILE: /],
    ['{"allowPorts": [0]}', /HAUBAN_WEBHOOK_FILE: /],
    ['{"caFile": "/x"}', /holds no certificate/],
  ])('is refused when it does not fit: %s', (text, says) => {
    expect(() => parseWebhookSettings(text, () => 'nothing')).toThrow(says);
  });

  it.each(['10.0.0.0', '10.0.0.0/33', '10.0.0.0/8/8', '::/129', 'all/0', '10.0.0.0/-1'])(
    'is refused when it is no network: %s',
    (network) => {
      expect(() => createReceiverJudge({ allowNetworks: [network], allowPorts: [] })).toThrow(/no network/);
    },
  );
});
