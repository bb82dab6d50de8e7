import { formatPrefix, parsePrefix } from '../address.ts';
import { refuse, type Planner } from '../planner.ts';
import { askAbout, BAN_SOURCES, holds, type SourcedBan } from './ban-sources.ts';
import type { BanSource } from './protection-host.ts';

/** Refuses when somebody who was named can not be asked; who was not named and is silent is told. */
async function loadForeign(
  planner: Planner,
  targets: readonly string[],
  named: readonly BanSource[] | undefined,
): Promise<readonly SourcedBan[]> {
  const { sources, bans } = await askAbout(planner.host, named ?? BAN_SOURCES, targets);
  for (const { source, state, detail } of sources) {
    if (state === 'asked') continue;
    const why = state === 'absent' ? `${source} is not installed here` : `${source} could not be asked: ${detail}`;
    if (named !== undefined) refuse(why);
    if (state === 'silent') planner.note(`${why.replace(/[.?!]+$/, '')}. What it bans stays banned.`);
  }
  return bans;
}

/** The bans of others on exactly these targets go; those of a prefix around them stay and are named. */
export async function planForeignUnbans(
  planner: Planner,
  targets: readonly string[],
  named: readonly BanSource[] | undefined,
): Promise<void> {
  const wanted = new Set(targets);
  const bans = await loadForeign(planner, targets, named);
  const seen = new Set<string>();
  for (const { source, target, where } of bans) {
    const id = source === 'fail2ban' ? `${where}/${target}` : target;
    if (!wanted.has(target) || seen.has(`${source} ${id}`)) continue;
    seen.add(`${source} ${id}`);
    await planner.resource(source === 'fail2ban' ? 'fail2ban.ban' : 'crowdsec.ban', id, null);
  }
  if ([...seen].some((each) => each.startsWith('fail2ban ')))
    planner.note(
      'fail2ban counts failures from zero again: it bans anew after as many as its jail allows, not at the next one.',
    );
  for (const text of targets) {
    const address = parsePrefix(text);
    if (address === null) continue;
    const around = bans.find(({ target }) => !wanted.has(target) && holds(target, address));
    if (around !== undefined)
      planner.note(
        `${formatPrefix(address)} lies in ${around.target}, which ${around.source} (${around.where}) bans: lift that one too.`,
      );
  }
}
