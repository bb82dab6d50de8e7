import { ACTIONS, programsOf, type Program } from '@hauban/shared/actions';
import { programAt } from '../../../packages/agent/src/host/program-paths.ts';
import { hostileInput, textOf, titleOf, type Case } from './cases.ts';
import { MARK } from './hostile-values.ts';
import type { TracedRun } from './injection-node.ts';
import type { TracedCall } from './trace-log.ts';

/** Node.js, as the kernel calls it: the driver. Whatever else calls was started by it, or by what it started. */
const DRIVER = 'node';
const LOOKUPS: readonly Program[] = ['getent', 'test'];
/** The copy of the custom action's own program. */
const CUSTOM_PROGRAM = /^\/var\/lib\/hauban-custom-run\/echo-[A-Za-z0-9]{6}\/echo\.sh$/;

/** Actions through which a driver of that family is reached; a family is the first part of a name. */
const FAMILIES: Readonly<Record<string, readonly string[]>> = {
  account: ['account'],
  apache: ['apache'],
  balancer: ['balancer'],
  crowdsec: ['firewall'],
  database: ['database', 'database-user', 'snapshot', 'storage'],
  fail2ban: ['firewall'],
  hypervisor: ['guest'],
  mail: ['mail', 'mailbox'],
  nginx: ['nginx'],
  node: ['node'],
  package: ['package'],
  php: ['php'],
  protection: ['firewall'],
  service: ['service'],
  site: ['site'],
  storage: ['snapshot', 'storage'],
  tls: ['tls', 'certificate'],
  web: ['site'],
};

/** What Debian's programs start themselves, by the name of who starts it. */
const STARTED_BY: Readonly<Record<string, RegExp>> = {
  apache2ctl: /^\/usr\/(?:sbin\/apache2|bin\/(?:chmod|chown|id|mktemp|mv|stat))$/,
  'apt-get': /^\/usr\/(?:bin\/dpkg|lib\/apt\/methods\/[a-z]+)$/,
  doveadm: /^\/usr\/bin\/doveconf$/,
  doveconf: /^\/usr\/bin\/doveadm$/,
  postqueue: /^\/usr\/lib\/postfix\/sbin\/showq$/,
  setpriv: /^\/usr\/(?:bin\/restic|sbin\/zfs)$/,
  // A rehearsal is this very driver, in namespaces of its own.
  unshare: /^\/usr\/(?:local\/)?bin\/node$/,
};
const IN_REHEARSAL: readonly Program[] = ['ip', 'mount', 'php-fpm'];

/** Where the driver may write for a family, whatever the plan said: ids and labels are one part of a path there. */
const PART = '[A-Za-z0-9._@-]+';
const OWN_PLACES: readonly RegExp[] = [
  /^\/dev\/null$/,
  // A file without a name, as the kernel shows it; where that is not known, a name that it loses at once.
  /^\/tmp\/(?:#[0-9]+|hauban-input-[A-Za-z0-9]{6}(?:\/input)?)$/,
  new RegExp(`^/var/lib/hauban-driver(?:/${PART}){0,3}$`),
];
const MAIL_PLACES = [new RegExp(`^/etc/hosting/mail(?:/${PART})?$`), new RegExp(`^/srv/mail(?:/${PART}){0,2}$`)];
const STORAGE_PLACES = [/^\/srv\/vol1\/w4a100010\/backups(?:\/|$)/, /^\/srv\/vol1\/\.snapshots(?:\/|$)/];
const DATABASE_PLACES = [
  new RegExp(`^/var/backups/hosting(?:/${PART}){0,2}$`),
  new RegExp(`^/run/hauban-databases(?:/${PART})?$`),
];
const FAMILY_PLACES: Readonly<Record<string, readonly RegExp[]>> = {
  account: [new RegExp(`^/srv/vol1/\\.trash(?:/${PART})?$`), /^\/srv\/vol1\/w4a100010$/],
  custom: [/^\/var\/lib\/hauban-custom-run(?:\/echo-[A-Za-z0-9]{6}(?:\/(?:echo\.sh|manifest\.toml|elsewhere))?)?$/],
  database: DATABASE_PLACES,
  mail: MAIL_PLACES,
  mailbox: MAIL_PLACES,
  snapshot: [...STORAGE_PLACES, ...DATABASE_PLACES],
  storage: [...STORAGE_PLACES, ...DATABASE_PLACES],
};
/** Mounts of a rehearsal's own, whatever their paths are called outside of it. */
const REHEARSAL_PLACES: readonly RegExp[] = [/(?:^|\/root)\/var\/log\//, /(?:^|\/root)\/run\/(?:lock|apache2)(?:\/|$)/];
/** Of Apache that is started in a rehearsal, or reloaded: the tree that it sees may be called otherwise from outside. */
const SEEN_FROM_OUTSIDE = '(?:(?:/[^/]+)*?/run/hauban-lab/[^/]+/[^/]+/root)?';
const APACHE_PLACES = [
  `/dev/(?:null|zero)`,
  '(?:/var)?/run/apache2/(?:apache2\\.pid(?:\\.[A-Za-z0-9]{6})?|socks(?:\\.[A-Za-z0-9]{10})?)',
  '/var/lock/apache2(?:\\.[A-Za-z0-9]{10})?',
  '/var/log/(?:apache2|hosting/w4a100010)/[a-z._]+\\.log',
].map((place) => new RegExp(`^${SEEN_FROM_OUTSIDE}${place}$`));
/** PHP that is started in a rehearsal; its semaphore loses its name at once. */
const PHP_PLACES = [`/dev/null`, '/tmp/\\.ZendSem\\.[A-Za-z0-9]{6}', '/var/log/php[0-9.]+-fpm\\.log'].map(
  (place) => new RegExp(`^${SEEN_FROM_OUTSIDE}${place}$`),
);
/** The lines of users, with the locks and copies that the programs of passwd make. */
const USER_PLACES = [/^\/etc\/(?:\.pwd\.lock|(?:passwd|shadow)(?:[-+]|\.lock|\.\d+)?)$/];
/** Where programs write that were started: their own business, and what they were asked for. */
const PLACES_OF: Readonly<Record<string, readonly RegExp[]>> = {
  ...Object.fromEntries(
    ['apache2', 'apache2ctl', 'mktemp', 'chmod', 'chown', 'mv'].map((name) => [name, APACHE_PLACES]),
  ),
  'php-fpm8.2': PHP_PLACES,
  chage: USER_PLACES,
  'apt-get': [/^\/tmp\/#\d+$/, /^\/var\/log\/apt\/eipp\.log\.xz$/],
  mkdir: [new RegExp(`^/srv/vol1/w4a100010/var/www(?:/${PART}){1,8}$`)],
  rmdir: [new RegExp(`^/srv/vol1/w4a100010/var/www(?:/${PART}){1,8}$`)],
  postmap: MAIL_PLACES,
};

const familyOf = (name: string): string => name.split('.')[0] ?? '';

function programsFor({ door, name, ...one }: Case): readonly Program[] {
  if (door === 'action') {
    const action = ACTIONS.get(name);
    return action === undefined ? LOOKUPS : [...LOOKUPS, ...programsOf(action, hostileInput({ door, name, ...one }))];
  }
  const families = FAMILIES[familyOf(name)] ?? [];
  const actions = [...ACTIONS.values()].filter((action) => families.includes(familyOf(action.name)));
  return [...LOOKUPS, ...new Set(actions.flatMap(({ programs }) => programs))];
}

function judgeStart(one: Case, call: TracedCall, listed: readonly Program[]): string | null {
  const [path = ''] = call.texts;
  if (call.by !== DRIVER) {
    if (!call.isOk || STARTED_BY[call.by]?.test(path) === true) return null;
    // A program that became itself: the name is not taken over before the call has ended.
    return path.split('/').at(-1)?.slice(0, 15) === call.by ? null : `${call.by} started ${path}`;
  }
  if (familyOf(one.name) === 'custom' && CUSTOM_PROGRAM.test(path)) return null;
  const program = programAt(path);
  const mayStart = listed.includes('unshare') ? [...listed, ...IN_REHEARSAL] : listed;
  return program !== null && mayStart.includes(program) ? null : `started ${path}`;
}

/** The text is one element, or the end of one, and never what a program reads as an option. */
function judgeArguments(text: string, call: TracedCall): string | null {
  const given = call.texts.slice(2);
  for (const [index, element] of given.entries()) {
    if (element.includes(MARK) && text.length < 4000 && !element.includes(text))
      return `an argument holds a part of it: ${JSON.stringify(element.slice(0, 80))}`;
    const isWhole = element === text && text.length > 1;
    // What ends the options is none itself, and mostly our own.
    if (isWhole && text !== '--' && text.startsWith('-') && !given.slice(0, index).includes('--'))
      return `an option of ${call.texts[0] ?? ''}: ${element.slice(0, 80)}`;
  }
  return null;
}

const placesOf = (one: Case, by: string, listed: readonly Program[]): readonly RegExp[] =>
  by === DRIVER
    ? [
        ...OWN_PLACES,
        ...(FAMILY_PLACES[familyOf(one.name)] ?? []),
        ...(listed.includes('unshare') ? REHEARSAL_PLACES : []),
      ]
    : (PLACES_OF[by] ?? []);

function judgeWrite(
  one: Case,
  call: TracedCall,
  listed: readonly Program[],
  planned: readonly string[],
): string | null {
  if (!call.isWrite || !call.isOk) return null;
  const places = placesOf(one, call.by, listed);
  const beside = (path: string): string => path.replace(/\/\.([^/]+)\.hauban-tmp$/, '/$1');
  const wrong = call.paths.find(
    (path) =>
      path !== '/dev/null' &&
      !planned.includes(beside(path)) &&
      !places.some((place) => place.test(path) || place.test(beside(path))),
  );
  return wrong === undefined ? null : `${call.by} ${call.call} ${wrong}`;
}

/** Every program and file that should not have been, and every case that ended in an exception that nobody meant. */
export function judgeRun(cases: readonly Case[], { outcomes, calls }: TracedRun): readonly string[] {
  const byCase = new Map<number, TracedCall[]>();
  for (const call of calls) byCase.set(call.case, [...(byCase.get(call.case) ?? []), call]);
  return cases.flatMap((one, index) => {
    const found = outcomes[index];
    if (found === undefined) return [`${titleOf(one)}: did not run`];
    const [listed, text] = [programsFor(one), textOf(one)];
    const problems = (byCase.get(index) ?? []).flatMap((call) => {
      const isStart = call.call.startsWith('exec');
      const problem = isStart
        ? (judgeStart(one, call, listed) ?? judgeArguments(text, call))
        : judgeWrite(one, call, listed, found.paths);
      return problem === null ? [] : [problem];
    });
    const fault = found.is === 'fault' ? [`ended in ${found.says}`] : [];
    return [...new Set([...problems, ...fault])].map((problem) => `${titleOf(one)}: ${problem}`);
  });
}
