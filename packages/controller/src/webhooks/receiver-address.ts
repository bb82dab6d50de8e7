/**
 * Where a webhook may be sent. Whoever may make one must not reach by it what only this machine or its network can
 * reach: the database, the signer, a cloud's metadata, the panel of a router. Networks of one's own are named in the
 * configuration, by whoever is root here.
 */
import { BlockList, isIP, isIPv4 } from 'node:net';
import { HaubanError } from '@hauban/shared/errors';

/** What the configuration says besides. */
export interface ReceiverRules {
  /** `10.1.0.0/16`, `fd00:1::/48`: receivers may be there too. */
  readonly allowNetworks: readonly string[];
  /** Beside 443 and 8443. */
  readonly allowPorts: readonly number[];
}

export interface ReceiverJudge {
  /** The address of a request to make; BAD_REQUEST says what is wrong with it. What its name means is asked when it is sent. */
  checkUrl(text: string): URL;
  /** Null: a receiver may be there; else why not. */
  problemOf(address: string): string | null;
}

const USUAL_PORTS: readonly number[] = [443, 8443];

/** IANA's special-purpose registries, and what a cloud answers at besides. */
const FORBIDDEN_V4: readonly (readonly [network: string, bits: number, what: string])[] = [
  ['0.0.0.0', 8, 'this machine'],
  ['10.0.0.0', 8, 'a private network'],
  ['100.64.0.0', 10, "a provider's own network"],
  ['127.0.0.0', 8, 'this machine'],
  ['168.63.129.16', 32, "a cloud's metadata"],
  ['169.254.0.0', 16, 'link-local, as the metadata of a cloud is'],
  ['172.16.0.0', 12, 'a private network'],
  ['192.0.0.0', 24, 'a reserved network'],
  ['192.0.2.0', 24, 'a network of examples'],
  ['192.88.99.0', 24, 'a reserved network'],
  ['192.168.0.0', 16, 'a private network'],
  ['198.18.0.0', 15, 'a network of measurements'],
  ['198.51.100.0', 24, 'a network of examples'],
  ['203.0.113.0', 24, 'a network of examples'],
  ['224.0.0.0', 4, 'multicast'],
  ['240.0.0.0', 4, 'a reserved network'],
];

/** Of the only part of IPv6 that is public (2000::/3), what is not, or carries an IPv4 address inside. */
const FORBIDDEN_V6: readonly (readonly [network: string, bits: number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const bad = (detail: string): HaubanError => new HaubanError('BAD_REQUEST', detail);

function listOf(networks: readonly (readonly [string, number, ...unknown[]])[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const [network, bits] of networks) list.addSubnet(network, bits, family);
  return list;
}

const V4 = FORBIDDEN_V4.map((row) => ({ list: listOf([row], 'ipv4'), what: row[2] }));
const V6 = listOf(FORBIDDEN_V6, 'ipv6');
const PUBLIC_V6 = listOf([['2000::', 3]], 'ipv6');
/** Another way to write an IPv4 address: to judge it twice would be one time too many. */
const MAPPED = listOf([['::ffff:0:0', 96]], 'ipv6');

const problemOfV4 = (address: string): string | null =>
  V4.find(({ list }) => list.check(address, 'ipv4'))?.what ?? null;

function problemOfV6(address: string): string | null {
  if (!PUBLIC_V6.check(address, 'ipv6')) return 'not a public address';
  return V6.check(address, 'ipv6') ? 'not a public address' : null;
}

/** @throws CONFIG_BAD for what is no network. */
function allowedOf(networks: readonly string[]): (address: string, family: 'ipv4' | 'ipv6') => boolean {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const text of networks) {
    const [network = '', bits = '', ...rest] = text.split('/');
    const family = isIPv4(network) ? 'ipv4' : 'ipv6';
    const most = family === 'ipv4' ? 32 : 128;
    const isNetwork = isIP(network) !== 0 && rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most;
    if (!isNetwork)
      throw new HaubanError('CONFIG_BAD', `HAUBAN_WEBHOOK_FILE: "${text}" is no network such as 10.1.0.0/16.`);
    lists[family].addSubnet(network, Number(bits), family);
  }
  return (address, family) => lists[family].check(address, family);
}

/** What the URL says itself, without asking anybody what its name means. */
function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null)
    throw bad('The address of a webhook must be a whole one, such as https://billing.example.com/hauban.');
  if (url.protocol !== 'https:') throw bad('A webhook is only sent over https.');
  if (url.username !== '' || url.password !== '')
    throw bad('The address of a webhook may hold no user name or password: let the receiver check the signature.');
  if (url.hash !== '') throw bad('The address of a webhook ends before "#": what follows is never sent.');
  return url;
}

/** Without the brackets of an IPv6 address. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '');
export const portOf = (url: URL): number => (url.port === '' ? 443 : Number(url.port));

export function createReceiverJudge({ allowNetworks, allowPorts }: ReceiverRules): ReceiverJudge {
  const isAllowed = allowedOf(allowNetworks);
  const ports = new Set([...USUAL_PORTS, ...allowPorts]);
  const problemOf = (address: string): string | null => {
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    if (isIP(address) === 0) return 'not an address';
    if (family === 'ipv6' && MAPPED.check(address, 'ipv6')) return 'an IPv4 address in disguise';
    if (isAllowed(address, family)) return null;
    return family === 'ipv4' ? problemOfV4(address) : problemOfV6(address);
  };
  return {
    problemOf,
    checkUrl: (text) => {
      const url = parseUrl(text);
      if (!ports.has(portOf(url)))
        throw bad(`A webhook may not be sent to port ${portOf(url)}: allowPorts in HAUBAN_WEBHOOK_FILE allows it.`);
      const problem = isIP(hostOf(url)) === 0 ? null : problemOf(hostOf(url));
      if (problem !== null)
        throw bad(
          `A webhook may not be sent to ${hostOf(url)} (${problem}): allowNetworks in HAUBAN_WEBHOOK_FILE allows it.`,
        );
      return url;
    },
  };
}
