import { containsPrefix, parsePrefix, type ForeignBan, type ForeignBans, type Host } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { ResourceDriver } from '../drivers.ts';
import { isJail, parseBannedJails, parseBanTimes } from './banned-jails.ts';
import { checkTarget, runIfThere, whyItFailed } from './foreign-answer.ts';

export interface ForeignSource<N extends 'fail2ban.ban' | 'crowdsec.ban'> {
  readonly bans: ResourceDriver<N>;
  list(address?: string): Promise<ForeignBans>;
}

/** Each costs a process of some 0.1 s. */
const MOST_JAILS = 100;

/** `jail/target`. */
function parseId(id: string): { readonly jail: string; readonly target: string } {
  const at = id.indexOf('/');
  const jail = id.slice(0, at);
  if (at < 1 || !isJail(jail))
    throw new HaubanError('ACTION_REFUSED', `${JSON.stringify(id.slice(0, 80))} names no jail of fail2ban`);
  return { jail, target: checkTarget(id.slice(at + 1)) };
}

const isAbout = (target: string, address: string): boolean => {
  const [outer, inner] = [parsePrefix(target), parsePrefix(address)];
  return outer !== null && inner !== null && containsPrefix(outer, inner);
};

export function createFail2ban(programs: Host['programs']): ForeignSource<'fail2ban.ban'> {
  const readJails = async (): Promise<
    ReadonlyMap<string, ReadonlySet<string>> | Exclude<ForeignBans, { state: 'asked' }>
  > => {
    const result = await runIfThere(programs, 'fail2ban-client', ['banned']);
    if (result === null) return { state: 'absent' };
    if (result.status !== 0) return { state: 'silent', detail: whyItFailed(result) };
    return parseBannedJails(result.stdout) ?? { state: 'silent', detail: 'its list of bans can not be read' };
  };

  const tell = async (verb: 'banip' | 'unbanip', id: string): Promise<void> => {
    const { jail, target } = parseId(id);
    const result = await programs.run('fail2ban-client', ['set', jail, verb, target]);
    if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `fail2ban: ${whyItFailed(result)}`);
  };

  const bansOf = async (jail: string, targets: readonly string[]): Promise<readonly ForeignBan[]> => {
    const listed = await programs.run('fail2ban-client', ['get', jail, 'banip', '--with-time']);
    const times = listed.status === 0 ? parseBanTimes(listed.stdout) : null;
    // A banned text of a log may hold a line that looks like another ban: only who is in the list counts.
    return targets.map((target) => ({
      target,
      where: jail,
      reason: `too many failures (jail ${jail})`,
      since: times?.get(target)?.since ?? null,
      until: times?.get(target)?.until ?? null,
    }));
  };

  return {
    async list(address) {
      const jails = await readJails();
      if ('state' in jails) return jails;
      const bans: ForeignBan[] = [];
      for (const [jail, targets] of [...jails].slice(0, MOST_JAILS)) {
        const meant = [...targets].filter((target) => address === undefined || isAbout(target, address));
        if (meant.length > 0) bans.push(...(await bansOf(jail, meant)));
      }
      return { state: 'asked', bans };
    },
    bans: {
      async read(id) {
        const { jail, target } = parseId(id);
        const jails = await readJails();
        if ('state' in jails)
          throw new HaubanError('PROGRAM_FAILED', `fail2ban: ${jails.state === 'silent' ? jails.detail : 'not here'}`);
        return jails.get(jail)?.has(target) === true ? { banned: true } : null;
      },
      write: (id, value) => tell(value === null ? 'unbanip' : 'banip', id),
    },
  };
}
