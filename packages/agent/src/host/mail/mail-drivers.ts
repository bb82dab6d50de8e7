/** Mail: Postfix's queue by its own programs (ids on standard input), mailboxes by lists of ours and Dovecot's doveadm. */
import { rename } from 'node:fs/promises';
import { MAIL_KEPT, MAIL_ROOT, type MailQueries, type MailResources, type MailTasks } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { checkWord } from '../check-word.ts';
import type { DriverParts, FamilyDrivers } from '../drivers.ts';
import { saidBy } from '../run-program.ts';
import { openDirectory, ROOT_TRUST } from '../safe-path.ts';
import { QUEUE_ID, readQueue } from './mail-queue.ts';
import { checkAddress, createMailboxLists } from './mailbox-lists.ts';

const IDS_LIMIT = 1000;
/** doveadm: there is no such user; nobody was connected. */
const NO_USER = 67;
const NOBODY_THERE = 68;

function checkIds(ids: readonly string[]): readonly string[] {
  const wrong = ids.find((id) => !QUEUE_ID.test(id));
  if (wrong !== undefined || ids.length === 0 || ids.length > IDS_LIMIT)
    throw new HaubanError('ACTION_REFUSED', `${JSON.stringify((wrong ?? '').slice(0, 40))} is no id of a message`);
  return ids;
}

/** Where messages of a mailbox lie; both folders above are root's, so nobody can put a link there. */
function placesOf(address: string): Record<'live' | 'kept', { readonly folder: string; readonly name: string }> {
  const [local = '', domain = ''] = checkAddress(address).split('@');
  return { live: { folder: `${MAIL_ROOT}/${domain}`, name: local }, kept: { folder: MAIL_KEPT, name: address } };
}

function messages({
  files,
}: DriverParts): FamilyDrivers<MailResources, MailTasks, MailQueries>['resources']['mail.messages'] {
  const isAt = async (address: string, place: 'live' | 'kept'): Promise<boolean> => {
    const { folder, name } = placesOf(address)[place];
    return (await files.state(`${folder}/${name}`)).type === 'directory';
  };
  const read = async (address: string): Promise<{ readonly place: 'live' | 'kept' } | null> => {
    if (await isAt(address, 'live')) return { place: 'live' };
    return (await isAt(address, 'kept')) ? { place: 'kept' } : null;
  };
  return {
    read,
    async write(address, value) {
      const now = await read(address);
      if (value === null) throw new HaubanError('ACTION_REFUSED', 'messages are only moved, never deleted');
      if (now === null || now.place === value.place) return;
      const places = placesOf(address);
      if (await isAt(address, checkWord(value.place, ['live', 'kept'])))
        throw new HaubanError(
          'CHANGE_CONFLICT',
          `messages of ${address} are there already: ${places[value.place].folder}`,
        );
      const from = await openDirectory(places[now.place].folder, ROOT_TRUST, true);
      const to = await openDirectory(places[value.place].folder, ROOT_TRUST, true);
      try {
        if (from === null || to === null) throw new HaubanError('FILE_FAILED', `${MAIL_ROOT} is not complete`);
        await rename(from.at(places[now.place].name), to.at(places[value.place].name));
        await to.handle.sync();
        await from.handle.sync();
      } finally {
        await from?.handle.close();
        await to?.handle.close();
      }
    },
  };
}

function lookUp({
  programs,
}: DriverParts): FamilyDrivers<MailResources, MailTasks, MailQueries>['queries']['mail.lookup'] {
  const fieldOf = async (address: string, field: string): Promise<string | null> => {
    const result = await programs.run('doveadm', ['user', '-f', field, checkAddress(address)]);
    if (result.status === NO_USER) return null;
    if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `doveadm user: ${saidBy(result)}`);
    return result.stdout.trim() || null;
  };
  return async ({ address }) => {
    const home = await fieldOf(address, 'home');
    const table = 'hash:/etc/hosting/mail/mailboxes';
    const { status } = await programs.run('postmap', ['-q', checkAddress(address), table]);
    return { home, quotaRule: home === null ? null : await fieldOf(address, 'quota_rule'), accepts: status === 0 };
  };
}

export function createMailDrivers(parts: DriverParts): FamilyDrivers<MailResources, MailTasks, MailQueries> {
  const { files, programs, requireRoot } = parts;
  const lists = createMailboxLists(files, programs, parts.clock);
  const postsuper = async (option: '-h' | '-H' | '-d', ids: readonly string[]): Promise<void> => {
    const result = await programs.run('postsuper', [option, '-'], {
      stdin: `${checkIds(ids).join('\n')}\n`,
      timeoutMs: 110_000,
    });
    // 0 says nothing, but another status does; the queue is read again by verify.
    if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `postsuper: ${saidBy(result)}`);
  };
  const flush = async (args: readonly string[]): Promise<void> => {
    const result = await programs.run('postqueue', args);
    if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `postqueue: ${saidBy(result)}`);
  };
  return {
    resources: {
      'mail.mailbox': {
        read: (address) => lists.read(address),
        write: (address, value) => lists.write(address, value),
      },
      'mail.messages': messages(parts),
    },
    tasks: {
      'mail.index': () => lists.index(),
      async 'mail.kick'({ address }) {
        const result = await programs.run('doveadm', ['kick', checkAddress(address)]);
        if (result.status !== 0 && result.status !== NOBODY_THERE)
          throw new HaubanError('PROGRAM_FAILED', `doveadm kick: ${saidBy(result)}`);
      },
      'mail.queue-hold': ({ ids }) => postsuper('-h', ids),
      'mail.queue-release': ({ ids }) => postsuper('-H', ids),
      'mail.queue-delete': ({ ids }) => postsuper('-d', ids),
      async 'mail.queue-flush'({ ids }) {
        if (ids === null) return flush(['-f']);
        for (const id of checkIds(ids)) await flush(['-i', id]);
        return undefined;
      },
    },
    queries: {
      async 'mail.queue'({ filter, limit }) {
        requireRoot('Reading the mail queue');
        return readQueue(filter, Math.min(Math.max(limit, 1), IDS_LIMIT));
      },
      'mail.lookup': lookUp(parts),
    },
  };
}
