/** Units by systemd. */
import type { ServiceQueries, ServiceResources, ServiceTasks, UnitFacts } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts, FamilyDrivers } from '../drivers.ts';
import { findPoolFault } from './php-pools.ts';
import { runSystemctl, startAnew } from './systemctl.ts';

const UNIT = /^[a-z][a-z0-9.-]{0,60}(?:@[a-z][a-z0-9]{2,15})?\.service$/;

const FACTS = ['LoadState', 'ActiveState', 'SubState', 'CanReload', 'InvocationID', 'MainPID', 'NRestarts'] as const;

function checkUnit(unit: string): string {
  if (!UNIT.test(unit)) throw new HaubanError('ACTION_REFUSED', `${unit.slice(0, 80)} is no name of a unit`);
  return unit;
}

export function createServiceDrivers({
  programs,
  rehearsalCommand,
}: DriverParts): FamilyDrivers<ServiceResources, ServiceTasks, ServiceQueries> {
  const systemctl = (verb: string, ...more: readonly string[]): Promise<string> =>
    runSystemctl(programs, verb, ...more);

  const factsOf = async (unit: string): Promise<UnitFacts> => {
    const shown = await systemctl('show', `--property=${FACTS.join(',')}`, '--', checkUnit(unit));
    const values = new Map(
      shown.split('\n').map((line): [string, string] => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    );
    const text = (name: (typeof FACTS)[number]): string => values.get(name) ?? '';
    return {
      loadState: text('LoadState'),
      activeState: text('ActiveState'),
      subState: text('SubState'),
      canReload: text('CanReload') === 'yes',
      invocation: text('InvocationID'),
      mainPid: Number(text('MainPID')),
      restarts: Number(text('NRestarts')),
    };
  };

  /** `systemctl is-enabled`: its exit status says no too, so the words count. */
  const isEnabled = async (unit: string): Promise<boolean> => {
    const { stdout } = await programs.run('systemctl', ['is-enabled', '--', unit]);
    return /^(?:enabled|enabled-runtime|static|alias|indirect|generated)$/.test(stdout.trim());
  };

  return {
    resources: {
      'service.unit': {
        async read(id) {
          const { loadState, activeState } = await factsOf(id);
          if (loadState !== 'loaded') return null;
          return { active: /^(?:active|reloading|activating)$/.test(activeState), enabled: await isEnabled(id) };
        },
        async write(id, value) {
          if (value === null)
            throw new HaubanError('ACTION_REFUSED', `${id} belongs to a package: it can be stopped only`);
          const unit = checkUnit(id);
          if (value.enabled !== (await isEnabled(unit)))
            await systemctl(value.enabled ? 'enable' : 'disable', '--', unit);
          if (value.active) await startAnew(programs, 'start', unit);
          else await systemctl('stop', '--', unit);
        },
      },
    },
    tasks: {
      async 'service.restart'({ unit, invocation }) {
        if ((await factsOf(unit)).invocation !== invocation) return;
        await startAnew(programs, 'restart', unit);
      },
      async 'service.reload'({ unit }) {
        await systemctl('reload', '--', checkUnit(unit));
      },
    },
    queries: {
      'service.facts': ({ unit }) => factsOf(unit),
      'service.php-pools': async (args) => ({ fault: await findPoolFault(rehearsalCommand, args) }),
    },
  };
}
