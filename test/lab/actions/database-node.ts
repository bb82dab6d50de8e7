import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { createDisposableNode, type DisposableNode, type DisposableNodeOptions } from '../disposable-node.ts';
import { waitUntil } from '../program.ts';
import { putDriverInto, type ActionNode } from './action-node.ts';

/** A disposable node with MariaDB and PostgreSQL running, both empty, and the driver in it. */
export interface DatabaseNode {
  readonly node: DisposableNode;
  readonly actions: ActionNode;
  /** SQL as root of MariaDB, by the plain client: what it answers. */
  readonly mariadb: (sql: string, more?: readonly string[]) => Promise<string>;
  /** SQL as PostgreSQL's own superuser. */
  readonly psql: (sql: string, database?: string) => Promise<string>;
}

const CLIENT = '/usr/bin/mariadb';

async function idsOf(node: DisposableNode, user: string): Promise<{ uid: number; gid: number }> {
  const [, , uid, gid] = (await node.mustRun('/usr/bin/getent', ['passwd', user])).stdout.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

async function startMariadb(node: DisposableNode): Promise<void> {
  await node.mustRun('/usr/bin/rm', ['-rf', '/var/lib/mysql']);
  await node.mustRun('/usr/bin/install', ['-d', '-o', 'mysql', '-g', 'mysql', '/var/lib/mysql', '/run/mysqld']);
  await node.mustRun('/usr/bin/mariadb-install-db', ['--user=mysql', '--skip-test-db']);
  await node.spawn('/usr/sbin/mariadbd', [
    '--user=mysql',
    '--innodb-log-file-size=8M',
    '--innodb-flush-log-at-trx-commit=0',
  ]);
  await waitUntil('MariaDB', async () => (await node.run(CLIENT, ['--execute=SELECT 1'])).code === 0, {
    timeoutMs: 30_000,
  });
}

async function startPostgresql(node: DisposableNode): Promise<void> {
  const version = readdirSync('/usr/lib/postgresql').toSorted().at(-1) ?? '';
  const bin = `/usr/lib/postgresql/${version}/bin`;
  const as = await idsOf(node, 'postgres');
  await node.mustRun('/usr/bin/install', ['-d', '-o', 'postgres', '-g', 'postgres', '/var/run/postgresql']);
  const data = '/var/lib/postgresql/lab';
  const how = ['--auth-local=peer', '--auth-host=scram-sha-256', '--encoding=UTF8', '--locale=C.UTF-8', '--no-sync'];
  await node.mustRun(`${bin}/initdb`, ['--pgdata', data, ...how], { as });
  const settings = [
    '-c',
    'listen_addresses=127.0.0.1',
    '-c',
    'fsync=off',
    '-c',
    'max_wal_size=48MB',
    '-k',
    '/var/run/postgresql',
  ];
  await node.spawn(`${bin}/postgres`, ['-D', data, ...settings], { as });
  const ready = ['--host=/var/run/postgresql', '--port=5432'];
  await waitUntil('PostgreSQL', async () => (await node.run(`${bin}/pg_isready`, ready)).code === 0, {
    timeoutMs: 30_000,
  });
}

export async function standDatabaseNode(options: DisposableNodeOptions): Promise<DatabaseNode> {
  const node = await createDisposableNode(options);
  try {
    await Promise.all([startMariadb(node), startPostgresql(node)]);
    const as = await idsOf(node, 'postgres');
    return {
      node,
      actions: await putDriverInto(node),
      mariadb: async (sql, more = []) =>
        (await node.mustRun(CLIENT, ['--batch', '--skip-column-names', ...more], { input: sql })).stdout.trim(),
      psql: async (sql, database = 'postgres') =>
        (
          await node.mustRun(
            '/usr/bin/psql',
            ['-XqtA', '-v', 'ON_ERROR_STOP=1', '-h', '/var/run/postgresql', '-d', database],
            { input: sql, as },
          )
        ).stdout.trim(),
    };
  } catch (error) {
    await node.destroy();
    throw error;
  }
}

const sha1 = (bytes: string | Buffer): Buffer => createHash('sha1').update(bytes).digest();
export const mariadbHash = (password: string): string => `*${sha1(sha1(password)).toString('hex').toUpperCase()}`;

/** The verifier of RFC 5803 as PostgreSQL keeps it. */
export function scramVerifier(password: string): string {
  const salt = Buffer.from('0123456789abcdef');
  const salted = pbkdf2Sync(password, salt, 4096, 32, 'sha256');
  const mac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(mac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$4096:${salt.toString('base64')}$${storedKey}:${mac('Server Key').toString('base64')}`;
}
