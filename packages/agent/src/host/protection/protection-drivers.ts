/** Bans of others: fail2ban and CrowdSec by their own command lines. Our own table is `../firewall.ts`. */
import type { ProtectionQueries, ProtectionResources } from '@hauban/shared/actions';
import { checkWord } from '../check-word.ts';
import type { DriverParts, FamilyDrivers } from '../drivers.ts';
import { ROOT_TRUST } from '../safe-path.ts';
import { readAskers } from './access-logs.ts';
import { createCrowdsec } from './crowdsec.ts';
import { createFail2ban } from './fail2ban.ts';
import { countConnections } from './tcp-connections.ts';

export function createProtectionDrivers({
  clock,
  programs,
}: Pick<DriverParts, 'clock' | 'programs'>): FamilyDrivers<ProtectionResources, object, ProtectionQueries> {
  const sources = { fail2ban: createFail2ban(programs), crowdsec: createCrowdsec(programs, clock) };
  return {
    resources: { 'fail2ban.ban': sources.fail2ban.bans, 'crowdsec.ban': sources.crowdsec.bans },
    tasks: {},
    queries: {
      'protection.askers': (wish) => readAskers(wish, ROOT_TRUST),
      'protection.connections': ({ address }) => countConnections(address),
      'protection.foreign-bans': async ({ source, address }) =>
        sources[checkWord(source, ['fail2ban', 'crowdsec'])].list(address),
    },
  };
}
