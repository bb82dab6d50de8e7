import Type from 'typebox';
import { HaubanError } from '../../errors/index.ts';
import type { Verified } from '../define-action.ts';
import type { Host } from '../host.ts';
import { refuse, type Planner } from '../planner.ts';
import type { UnitFacts } from './service-host.ts';

/**
 * Units of hosting. A closed list: nothing that a node needs to stay reachable (ssh, network, our own programs) can be
 * named, whatever the node's policy file says.
 */
const UNIT_PATTERN =
  '^(?:apache2|nginx|mariadb|mysql|postgresql|postfix|dovecot|haproxy|fail2ban|crowdsec|named|bind9|proftpd|cron|redis-server|memcached|nfs-server|php[5-8]\\.[0-9]-fpm|hauban-php[0-9.]+@[a-z][a-z0-9]{2,15})$';

export const UnitArgs = Type.Object(
  {
    unit: Type.String({
      pattern: UNIT_PATTERN,
      maxLength: 64,
      title: 'Service',
      description: 'Such as apache2, php8.2-fpm, mariadb, postfix',
    }),
  },
  { additionalProperties: false },
);
export type UnitArgs = Type.Static<typeof UnitArgs>;

export const unitOf = ({ unit }: UnitArgs): string => `${unit}.service`;
export const unitLocks = ({ unit }: UnitArgs): readonly string[] => [`unit:${unit}`];

/** Facts of a unit that is there; else the plan is refused. */
export async function knownUnit(planner: Planner, unit: string): Promise<UnitFacts> {
  const facts = await planner.host.queries.ask('service.facts', { unit });
  if (facts.loadState !== 'loaded') refuse(`${unit} is not on this node (systemd says: ${facts.loadState})`);
  return facts;
}

/**
 * The configuration of php-fpm is tried before it is loaded: its own test passes a pool whose user or socket folder is not
 * there, and then the reload ends the master, and with it PHP of every site that has no master of its own.
 */
export async function tryPools({ host }: Planner, { unit }: UnitArgs, { mainPid }: UnitFacts): Promise<void> {
  const version = /^php([0-9]\.[0-9])-fpm$/.exec(unit)?.[1];
  if (version === undefined) return;
  const { fault } = await host.queries.ask('service.php-pools', { version, masterPid: mainPid });
  if (fault !== null) throw new HaubanError('CONFIG_INVALID', fault);
}

/** Twice, three seconds apart: a unit that falls over right after its start looks healthy once. */
export async function verifyUnit(host: Host, unit: string, isActive: boolean): Promise<readonly Verified[]> {
  const first = await host.queries.ask('service.facts', { unit });
  if (isActive) await new Promise<void>((resolve) => void host.clock.after(3000, resolve));
  const then = isActive ? await host.queries.ask('service.facts', { unit }) : first;
  const runs = then.activeState === 'active' || then.activeState === 'reloading';
  const steady = first.invocation === then.invocation && first.restarts === then.restarts;
  return [
    {
      name: isActive ? 'It runs' : 'It is stopped',
      ok: runs === isActive,
      saw: `${then.activeState} (${then.subState})`,
    },
    ...(isActive
      ? [
          {
            name: 'It stays up',
            ok: steady,
            saw: steady ? 'the same run three seconds later' : 'systemd started it again',
          },
        ]
      : []),
  ];
}
