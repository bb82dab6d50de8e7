/**
 * What an attacker puts where a text is expected. Each is made of the text that belongs there, so that a check that
 * looks at its beginning or at its end only is met too. Commands leave a file that is called MARK.
 */
export const MARK = 'pwned';
const TOUCH = `touch /tmp/${MARK}`;
const ONE_MIB = 1024 * 1024;

/** Letters and signs that look like others, in other blocks. */
const LOOK_ALIKES: Readonly<Record<string, string>> = {
  a: 'а',
  e: 'е',
  o: 'о',
  c: 'с',
  p: 'р',
  '.': '․',
  '-': '‐',
  '/': '∕',
};

export interface HostileValue {
  readonly name: string;
  readonly of: (good: string) => string;
}

const hostile = (name: string, of: HostileValue['of']): HostileValue => ({ name, of });

export const HOSTILE_VALUES: readonly HostileValue[] = [
  hostile('; command', (good) => `${good}; ${TOUCH}`),
  hostile('&& command', (good) => `${good}&&${TOUCH}`),
  hostile('| command', (good) => `${good}|${TOUCH}`),
  hostile('$(command)', () => `$(${TOUCH})`),
  hostile('$(command) after', (good) => `${good}$(${TOUCH})`),
  hostile('`command`', (good) => `${good}\`${TOUCH}\``),
  hostile('> file', (good) => `${good}>/tmp/${MARK}`),
  hostile('newline, command', (good) => `${good}\n${TOUCH}\n`),
  hostile('newline at the end', (good) => `${good}\n`),
  hostile('carriage return', (good) => `${good}\r\n`),
  hostile('NUL at the end', (good) => `${good}\0`),
  hostile('NUL, path', (good) => `${good}\0/../../tmp/${MARK}`),
  hostile('NUL alone', () => '\0'),
  hostile('look-alikes', (good) => `${[...good].map((letter) => LOOK_ALIKES[letter] ?? letter).join('')}а`),
  hostile('full width', () => `；ｉｄ＞${MARK}`),
  hostile('right to left', (good) => `${good}\u202e${MARK}`),
  hostile('line separator', (good) => `${good}\u2028${TOUCH}`),
  hostile('1 MiB', () => 'a'.repeat(ONE_MIB)),
  hostile('1 MiB behind it', (good) => good + 'a'.repeat(ONE_MIB)),
  hostile('path upwards', () => `../../../../../../tmp/${MARK}`),
  hostile('path upwards behind it', (good) => `${good}/../../../../../../tmp/${MARK}`),
  hostile('absolute path', () => `/etc/cron.d/${MARK}`),
  hostile('..', () => '..'),
  hostile('.', () => '.'),
  hostile('nothing', () => ''),
  hostile('dash before it', (good) => `-${good}`),
  hostile('short option', () => '-rf'),
  hostile('long option', () => `--unit=${MARK}.service`),
  hostile('option with a file', () => `-o/tmp/${MARK}`),
  hostile('end of options', () => '--'),
  hostile('end of an SQL text', (good) => `${good}'; DROP DATABASE ${MARK}; -- `),
  hostile('client command of SQL', (good) => `${good}\n\\! ${TOUCH}`),
  hostile('grammar of nft', () => `{ 192.0.2.1 }; delete table inet ${MARK}; #`),
  hostile('format and variable', (good) => `${good}%s%n\${IFS}${MARK}`),
  hostile('pattern', (good) => `${good}*?[a-z]`),
  hostile('home', () => `~root/${MARK}`),
  hostile('blank behind it', (good) => `${good} ${MARK}`),
  hostile('quotes', (good) => `${good}"'\\`),
  hostile('name of a prototype', () => '__proto__'),
  hostile('name of a method', () => 'constructor'),
  hostile('address of a file', () => `file:///tmp/${MARK}`),
];

/** None of them: to see that drivers do their work in the place where the others are tried. */
export const AS_IT_SHOULD_BE = hostile('as it should be', (good) => good);

const BY_NAME: ReadonlyMap<string, HostileValue> = new Map(
  [...HOSTILE_VALUES, AS_IT_SHOULD_BE].map((value) => [value.name, value]),
);

export function hostileText(name: string, good: string): string {
  const found = BY_NAME.get(name);
  if (found === undefined) throw new Error(`there is no hostile value ${name}`);
  return found.of(good);
}
