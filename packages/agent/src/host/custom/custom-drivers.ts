/** The hoster's own programs: read, compared with what was ordered and with root's word, copied, run, removed. */
import { createHash } from 'node:crypto';
import {
  placesIn,
  type CustomAnswer,
  type CustomCall,
  type CustomPhase,
  type CustomProgram,
  type CustomQueries,
  type CustomTasks,
  type HostAccounts,
} from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { FamilyDrivers } from '../drivers.ts';
import type { RequireRoot } from '../program-paths.ts';
import type { CustomParts, PinAnswer } from './custom-parts.ts';
import { readCustomFolder, type CustomFolder } from './custom-folder.ts';
import { makePrivateCopy } from './private-copy.ts';
import { endLeftovers, runCustomProgram, type CustomRun } from './run-custom.ts';

interface DriverParts extends CustomParts {
  readonly accounts: Pick<HostAccounts, 'userByName'>;
  readonly requireRoot: RequireRoot;
}

const refused = (detail: string): HaubanError => new HaubanError('CUSTOM_REFUSED', detail);

/** Root said yes to exactly these bytes. Asked when an order is checked and again when a program is started. */
export function checkPin(
  { name, hash, manifest }: Pick<CustomFolder, 'name' | 'hash' | 'manifest'>,
  answer: PinAnswer,
): void {
  if (!answer.ok) throw refused(answer.detail);
  const { pin } = answer;
  if (pin.hash !== hash) throw refused(`custom.${name} is not what is allowed: it is ${hash}, allowed is ${pin.hash}`);
  if (manifest.user === 'root' && !pin.allowRoot)
    throw refused(`custom.${name} wants to run as root, and what pins it does not say allow_root = true`);
}

/** The order was judged by another version of it. */
function checkUnchanged(folder: CustomFolder, call: CustomCall): void {
  if (folder.hash !== call.hash) throw refused(`custom.${call.name} was changed after the order was checked`);
}

/** A value in the place of its name; no value begins an element with a dash or brings an end of text. */
function fillIn(element: string, args: CustomCall['args']): string {
  const filled = placesIn(element).reduce(
    (text, name) => text.replace(`{${name}}`, () => String(args[name] ?? '')),
    element,
  );
  const isOption =
    filled.startsWith('-') && !element.startsWith('-') && typeof args[placesIn(element)[0] ?? ''] === 'string';
  // eslint-disable-next-line no-control-regex -- control characters are what is refused here
  if (isOption || /[\u0000-\u001f\u007f]/.test(filled))
    throw new HaubanError('ACTION_ARGUMENTS', 'an argument would be taken for an option, or holds a control character');
  return filled;
}

async function userOf(folder: CustomFolder, { accounts }: DriverParts): Promise<CustomRun['user']> {
  const { user } = folder.manifest;
  const entry = await accounts.userByName(user);
  if (entry === null) throw refused(`custom.${folder.name} wants to run as ${user}, who is no user of this node`);
  if (entry.uid === 0 && user !== 'root') throw refused(`${user} has the id of root`);
  return { name: user, uid: entry.uid, gid: entry.gid, home: entry.home };
}

async function call(parts: DriverParts, wanted: CustomCall, phase: CustomPhase): Promise<CustomAnswer> {
  parts.requireRoot('Running a custom action');
  // Its lock is held: nothing else of this action runs here by right.
  const mark = createHash('sha256').update(`${parts.folder}/${wanted.name}`).digest('hex');
  endLeftovers(mark);
  const folder = await readCustomFolder(parts.folder, wanted.name, parts.trust);
  checkUnchanged(folder, wanted);
  checkPin(folder, parts.pinOf(wanted.name));
  const program: CustomProgram | null = folder.manifest[phase];
  if (program === null) throw new HaubanError('ACTION_UNDO_FAILED', `custom.${wanted.name} has no ${phase} program`);
  const user = await userOf(folder, parts);
  const copy = await makePrivateCopy(folder, parts.copies);
  try {
    return await runCustomProgram({
      path: copy.pathOf(program.program),
      argv: program.argv.map((element) => fillIn(element, wanted.args)),
      stdin: program.stdin === 'json' ? JSON.stringify(wanted.args) : '',
      user,
      timeoutMs: folder.manifest.timeoutSeconds * 1000,
      mark,
      printed: (text) => parts.printed(wanted.name, text),
    });
  } catch (error) {
    if (!(error instanceof HaubanError)) throw error;
    throw new HaubanError(error.code, `custom.${wanted.name}, ${phase}: ${error.detail}`, { cause: error });
  } finally {
    await copy.remove();
  }
}

const saidBy = ({ stdout, stderr }: CustomAnswer): string =>
  (stderr.trim() || stdout.trim()).slice(0, 500) || 'nothing';

export function createCustomDrivers(
  parts: DriverParts,
): Pick<FamilyDrivers<unknown, CustomTasks, CustomQueries>, 'tasks' | 'queries'> {
  return {
    tasks: {
      'custom.run': async ({ phase, ...wanted }) => {
        const answer = await call(parts, wanted, phase);
        if (answer.status !== 0)
          throw new HaubanError(
            'PROGRAM_FAILED',
            `custom.${wanted.name}, ${phase}: it ended with ${answer.status} and said ${saidBy(answer)}`,
          );
      },
    },
    queries: {
      'custom.ask': async ({ phase, ...wanted }) => call(parts, wanted, phase),
    },
  };
}
