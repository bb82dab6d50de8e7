import type { ForeignBans, Host } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import { parseDecisions, type Decision } from './decisions.ts';
import type { ForeignSource } from './fail2ban.ts';
import { checkTarget, runIfThere, whyItFailed } from './foreign-answer.ts';

const scopeOf = (target: string): '--ip' | '--range' => (target.includes('/') ? '--range' : '--ip');
/** Alerts in one answer. */
const MOST_ALERTS = '1000';
/** CrowdSec's own when nothing is said. */
const PUT_BACK_FOR = '4h';

type Asked =
  | { readonly state: 'asked'; readonly decisions: readonly Decision[] }
  | Exclude<ForeignBans, { state: 'asked' }>;

export function createCrowdsec(programs: Host['programs'], clock: Clock): ForeignSource<'crowdsec.ban'> {
  const ask = async (args: readonly string[]): Promise<Asked> => {
    const result = await runIfThere(programs, 'cscli', ['decisions', 'list', '--output', 'json', ...args]);
    if (result === null) return { state: 'absent' };
    if (result.status !== 0) return { state: 'silent', detail: whyItFailed(result) };
    const decisions = parseDecisions(result.stdout, clock.nowMs());
    return decisions === null
      ? { state: 'silent', detail: 'its list of decisions can not be read' }
      : { state: 'asked', decisions };
  };

  const tell = async (...args: readonly string[]): Promise<void> => {
    const result = await programs.run('cscli', ['decisions', ...args]);
    if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `CrowdSec: ${whyItFailed(result)}`);
  };

  /** On exactly this target: asked for an address, CrowdSec names the ranges around it too. */
  const exactly = async (target: string): Promise<readonly Decision[]> => {
    const asked = await ask(['--all', scopeOf(target), target]);
    if (asked.state !== 'asked')
      throw new HaubanError('PROGRAM_FAILED', `CrowdSec: ${asked.state === 'silent' ? asked.detail : 'not here'}`);
    return asked.decisions.filter((decision) => decision.target === target);
  };

  return {
    async list(address) {
      // Whoever telephones may be on a list from elsewhere; such a list is nothing to take over.
      const asked = await ask(
        address === undefined
          ? ['--limit', MOST_ALERTS, '--type', 'ban']
          : ['--all', scopeOf(address), checkTarget(address)],
      );
      if (asked.state !== 'asked') return asked;
      const bans = asked.decisions.map(({ target, where, reason, since, until }) => ({
        target,
        where,
        reason,
        since,
        until,
      }));
      return { state: 'asked', bans };
    },
    bans: {
      read: async (id) => ((await exactly(checkTarget(id))).length > 0 ? { banned: true } : null),
      async write(id, value) {
        const found = await exactly(checkTarget(id));
        if (value !== null && found.length === 0)
          await tell('add', scopeOf(id), id, '--duration', PUT_BACK_FOR, '--reason', 'put back', '--type', 'ban');
        // By number: asked to delete an address, it deletes the ranges around it too.
        if (value === null) for (const decision of found) await tell('delete', '--id', String(decision.id));
      },
    },
  };
}
