import { rename, stat } from 'node:fs/promises';
import type { FileMeta, HostFiles, HostPrograms, MailboxState } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import { saidBy } from '../run-program.ts';
import { openDirectory, ROOT_TRUST } from '../safe-path.ts';

/**
 * The lists of mailboxes, root's, below /etc/hosting/mail. `users` is the truth (Dovecot reads it as it is), `denied`
 * says who is suspended, and the tables of Postfix are made from `users`. Lines that we did not write are kept.
 */
const FOLDER = '/etc/hosting/mail';

/** As in arguments: nothing in it can end a field, a line or a path. */
const ADDRESS =
  /^(?=.{6,254}$)(?!.*\.\.)[a-z0-9](?:[a-z0-9._+-]{0,62}[a-z0-9])?@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})$/;
const HASH = /^\{(?:SHA512-CRYPT|ARGON2ID)\}[A-Za-z0-9./+$=,]{20,230}$/;
/** user:password:uid:gid:gecos:home:shell:extra fields */
const LINE = /^[^:]+:([^:]+)::::::userdb_quota_rule=\*:storage=([1-9][0-9]{0,6})M$/;

export function checkAddress(address: string): string {
  if (!ADDRESS.test(address))
    throw new HaubanError('ACTION_REFUSED', `${JSON.stringify(address.slice(0, 80))} is no address of a mailbox`);
  return address;
}

/** One line; throws for what could make two of it. */
export function mailboxLine(address: string, { passwordHash, quotaMiB }: MailboxState): string {
  checkAddress(address);
  if (!HASH.test(passwordHash) || !Number.isInteger(quotaMiB) || quotaMiB < 1 || quotaMiB > 1_048_576)
    throw new HaubanError('ACTION_REFUSED', `that is no password or quota of ${address}`);
  return `${address}:${passwordHash}::::::userdb_quota_rule=*:storage=${quotaMiB}M`;
}

export function parseMailboxLine(line: string, isSuspended: boolean): MailboxState {
  const [, hash = '', quota = ''] = LINE.exec(line) ?? [];
  return HASH.test(hash)
    ? { passwordHash: hash, quotaMiB: Number(quota), suspended: isSuspended }
    : { passwordHash: 'unknown', quotaMiB: 0, suspended: isSuspended };
}

/** Beyond the tick of the kernel's clock for files. */
const TICK_MS = 20;

/**
 * Dovecot knows a list as another one by its size and the second of its time. Two of one size in one second are one to
 * it, so the next is written in a second of its own.
 */
async function untilNextSecond(path: string, clock: Clock): Promise<void> {
  const { mtimeMs } = await stat(path);
  const leftMs = (Math.floor(mtimeMs / 1000) + 1) * 1000 + TICK_MS - clock.nowMs();
  // A time in the future is a clock that was set back: nothing to wait for.
  if (leftMs > 0 && leftMs <= 1000 + TICK_MS) await new Promise<void>((done) => void clock.after(leftMs, done));
}

const addressIn = (line: string): string => line.split(':')[0] ?? '';
const isOf = (line: string, address: string): boolean => line.startsWith(`${address}:`);

/**
 * With the one line of an address; null takes it out. It keeps its place, and a new one comes before the first that
 * follows its address, so that what was taken out comes back where it was.
 */
export function withLine(lines: readonly string[], address: string, line: string | null): readonly string[] {
  const others = lines.filter((entry) => !isOf(entry, address));
  if (line === null) return others;
  const at = lines.findIndex((entry) => isOf(entry, address));
  const next = at === -1 ? others.findIndex((entry) => addressIn(entry) > address) : at;
  return others.toSpliced(next === -1 ? others.length : next, 0, line);
}

export interface MailboxLists {
  read(address: string): Promise<MailboxState | null>;
  write(address: string, state: MailboxState | null): Promise<void>;
  /** Both tables anew, each in one step; what a crash left beside a list goes, as every undo ends with this. */
  index(): Promise<void>;
}

export function createMailboxLists(files: HostFiles, programs: HostPrograms, clock: Clock): MailboxLists {
  const load = async (name: string): Promise<{ readonly lines: readonly string[]; readonly meta: FileMeta }> => {
    const state = await files.state(`${FOLDER}/${name}`);
    if (state.type !== 'file')
      throw new HaubanError('ACTION_REFUSED', `${FOLDER}/${name} is not there: use mail.setup first`);
    const { mode, uid, gid } = state;
    return { lines: state.content.split('\n').filter((line) => line !== ''), meta: { mode, uid, gid } };
  };
  const setLine = async (name: string, address: string, line: string | null): Promise<void> => {
    const { lines, meta } = await load(name);
    const wanted = withLine(lines, address, line);
    if (wanted.join('\n') === lines.join('\n')) return;
    await untilNextSecond(`${FOLDER}/${name}`, clock);
    await files.writeFile(`${FOLDER}/${name}`, wanted.map((entry) => `${entry}\n`).join(''), meta);
  };
  /** Made under another name and renamed: Postfix never sees half of it. */
  const writeTable = async (name: string, lines: readonly string[]): Promise<void> => {
    const next = `${FOLDER}/${name}.next`;
    await files.writeFile(next, lines.map((line) => `${line}\n`).join(''), { mode: 0o644, uid: 0, gid: 0 });
    const result = await programs.run('postmap', [`hash:${next}`]);
    if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `postmap: ${saidBy(result)}`);
    await files.removeFile(next);
    const folder = await openDirectory(FOLDER, ROOT_TRUST, true);
    if (folder === null) throw new HaubanError('FILE_FAILED', `${FOLDER} does not exist`);
    try {
      await rename(folder.at(`${name}.next.db`), folder.at(`${name}.db`));
      await folder.handle.sync();
    } finally {
      await folder.handle.close();
    }
  };
  return {
    async read(address) {
      checkAddress(address);
      if ((await files.state(`${FOLDER}/users`)).type !== 'file') return null;
      const line = (await load('users')).lines.find((entry) => isOf(entry, address));
      if (line === undefined) return null;
      return parseMailboxLine(
        line,
        (await load('denied')).lines.some((entry) => isOf(entry, address)),
      );
    },
    async write(address, state) {
      const line = state === null ? null : mailboxLine(address, state);
      // Suspended before it is there, and gone before its suspension is: nobody gets in meanwhile.
      const deny = (): Promise<void> =>
        setLine('denied', checkAddress(address), state?.suspended === true ? `${address}:` : null);
      if (state !== null) await deny();
      await setLine('users', checkAddress(address), line);
      if (state === null) await deny();
    },
    async index() {
      if ((await files.state(`${FOLDER}/users`)).type !== 'file') return;
      for (const name of ['users', 'denied']) await files.removeLeftovers(`${FOLDER}/${name}`);
      const addresses = (await load('users')).lines
        .map((line) => line.split(':')[0] ?? '')
        .filter((text) => ADDRESS.test(text));
      const domains = [...new Set(addresses.map((address) => address.split('@')[1] ?? ''))];
      await writeTable(
        'mailboxes',
        addresses.map((address) => `${address} ok`),
      );
      await writeTable(
        'domains',
        domains.map((domain) => `${domain} ok`),
      );
    },
  };
}
