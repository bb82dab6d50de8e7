/** Bans and what else keeps attackers out. */
import type { ActionDefinition } from '../define-action.ts';
import { firewallBanAttackers } from './firewall-ban-attackers.ts';
import { firewallBan } from './firewall-ban.ts';
import { firewallExplain } from './firewall-explain.ts';
import { firewallImport } from './firewall-import.ts';
import { firewallList } from './firewall-list.ts';
import { firewallSetList } from './firewall-set-list.ts';
import { firewallUnban } from './firewall-unban.ts';

export const PROTECTION_ACTIONS: readonly ActionDefinition[] = [
  firewallBan,
  firewallBanAttackers,
  firewallExplain,
  firewallImport,
  firewallList,
  firewallSetList,
  firewallUnban,
];
