#!/usr/bin/env node
/**
 * The controller's programs, by subcommand. Configuration is the environment only (config.ts). Standard output is for
 * other programs: one JSON line when ready, or what was asked for; everything else goes to standard error.
 *
 * Exit codes: 0 done, 1 a fault of ours, 2 wrong usage or configuration, 3 the port or folder is in use, 4 the
 * database or the signer does not answer.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock, systemRandom, type ControllerIdentity } from '@hauban/link';
import { JoinTokenRequest } from '@hauban/shared/api';
import { HaubanError, type ErrorCode } from '@hauban/shared/errors';
import Value from 'typebox/value';
import { createController } from './app.ts';
import type { OutsideWitness } from './audit/outside-witness.ts';
import { createWitnessFile } from './audit/witness-file.ts';
import { createWitnessUrl } from './audit/witness-url.ts';
import { createAudit } from './compose-audit.ts';
import { backUp, restore } from './compose-backup.ts';
import { linkKeysOf, rotateLinkKeyHere } from './compose-link-keys.ts';
import { createPeople } from './compose-people.ts';
import { createTrust } from './compose-trust.ts';
import {
  loadClientSecret,
  loadControllerConfig,
  loadDatabaseUrl,
  loadSignerConfig,
  type ControllerConfig,
} from './config.ts';
import { createDatabase, migrateDatabase, type Database } from './db/index.ts';
import { createControllerIdentityRepository } from './enrolment/controller-identity.repository.ts';
import { loadControllerIdentity } from './enrolment/controller-identity.service.ts';
import { createEnrolmentRepository } from './enrolment/enrolment.repository.ts';
import { createJoinTokensService } from './enrolment/join-tokens.service.ts';
import { createLinkKeyFolder } from './enrolment/link-key-folder.ts';
import { createNodesRepository } from './nodes/nodes.repository.ts';
import { loadTotpSeal } from './people/load-totp-seal.ts';
import { parseSignOnSettings } from './people/oidc-settings.ts';
import { createTotpSecretsRepository } from './people/totp-secrets.repository.ts';
import { createLog } from './runtime/index.ts';
import { createSignerClient, runSigner } from './signer/index.ts';

const USAGE = `Usage: hauban-controller <command>
  serve        pages, REST and the links of the nodes
  signer       the process that holds the authority key
  migrate      bring the database to this version's tables
  setup-link   print a one-time link for making the first account
  join-token   print a token that lets a machine in
                 --role web        role of the node (may be repeated)
                 --label a=b       label of the node (may be repeated)
                 --uses 1          how many machines
                 --minutes 15      how long
                 --host-name X     only the machine of that name
  verify-audit check the audit log's chain from its first row to its last
  rotate-authority-key  a new key for signing orders; owners approve it where there is a policy bundle
                 --overlap-hours 24  how long nodes take the old one as well; 0: not at all
  rotate-link-key  (as root, with HAUBAN_SIGNER_DIR) a new key for the links of the nodes
                 --overlap-hours 24  how long nodes take the old one as well; 0: not at all
  backup FILE  database and keys in one new encrypted file, also while all of it runs
  restore FILE [--replace]  (while nothing runs) puts such a file back, and does after-restore
  after-restore  (once, after a restore from a backup) believe each node once
Configuration is the environment:
  DATABASE_URL            PostgreSQL 15 or newer: postgres://user:password@host:5432/database
  HAUBAN_SIGNER_SOCKET    Unix socket of the signer
  HAUBAN_SIGNER_DIR       (signer) folder of the authority key and of the policy bundles
  HAUBAN_SIGNER_PASSPHRASE_FILE  (signer) file with the passphrase that seals the key; a systemd credential
                          "hauban-signer-passphrase" does the same; without, the key is a plain file
  HAUBAN_SIGNER_PKCS11    (signer) module,label,PIN file: the key is on a PKCS#11 token instead
  HAUBAN_SIGNER_CALLER    (signer) user of the controller, where it is not the signer's own: nobody else may ask
  HAUBAN_CONTROLLER_DIR   folder of the link key that all nodes are pinned to
  HAUBAN_LISTEN           host:port; default 127.0.0.1:7460
  HAUBAN_PUBLIC_URL       the address that people type and nodes dial; default: where it listens
  HAUBAN_TLS_CERT, HAUBAN_TLS_KEY  PEM files, when no proxy ends TLS
  HAUBAN_TRUSTED_PROXIES  addresses whose X-Forwarded-For is believed, with commas between
  HAUBAN_UI_DIR           the built web interface
  HAUBAN_AUDIT_WITNESS_FILE  a file on another disk that signed heads of the audit log are appended to
  HAUBAN_AUDIT_WITNESS_URL   a web hook that they are sent to
  HAUBAN_SIGN_ON_FILE     a JSON file that names identity providers to sign in by; see docs/sign-on.md
  HAUBAN_BACKUP_PASSPHRASE_FILE  (backup, restore) file with the passphrase of the backup
  HAUBAN_LOG_LEVEL        debug, info, warn, error, silent; default info`;

const EXIT: Partial<Record<ErrorCode, number>> = {
  BAD_REQUEST: 2,
  CONFIG_BAD: 2,
  PORT_IN_USE: 3,
  DATA_IN_USE: 3,
  DATABASE: 4,
  UNAVAILABLE: 4,
};
/** A stop that takes longer than this is cut off. */
const STOP_WITHIN_MS = 15_000;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

function readVersion(): string {
  const source = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(source) as { version?: unknown };
  return typeof version === 'string' ? version : '0.0.0';
}

/** Ready, in words for a program: a line on standard output, and a message when a parent listens. */
function tellReady(fields: object): void {
  const message = { ready: true, ...fields };
  say(JSON.stringify(message));
  process.send?.(message);
}

/** Fulfilled by the first SIGTERM or SIGINT; the second ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise((done) => {
    let isAsked = false;
    const ask = (): void => {
      if (isAsked) process.exit(1);
      isAsked = true;
      done();
    };
    process.on('SIGTERM', ask);
    process.on('SIGINT', ask);
  });
}

function publicUrlOf(config: ControllerConfig, port: number): URL {
  if (config.publicUrl !== null) return config.publicUrl;
  const isLoopback = config.host === '127.0.0.1' || config.host === '::1';
  const host = isLoopback ? 'localhost' : config.host.includes(':') ? `[${config.host}]` : config.host;
  return new URL(`${config.tls === null ? 'http' : 'https'}://${host}:${port}`);
}

/** The link key of that folder, and the id in the database that it belongs to. */
async function loadIdentity(config: ControllerConfig, database: Database): Promise<ControllerIdentity> {
  const folder = createLinkKeyFolder(config.controllerDir);
  const current = folder.current();
  const repository = createControllerIdentityRepository(database);
  const identity = await loadControllerIdentity(repository, current, systemClock, folder.find);
  // A rotation that was cut off after its commit comes to its end.
  if (identity.key.publicText !== current.publicText) folder.adoptNext();
  return identity;
}

async function withDatabase<T>(url: string, work: (database: Database) => Promise<T>): Promise<T> {
  await migrateDatabase(url);
  const database = createDatabase({ url });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

async function serve(): Promise<void> {
  const config = loadControllerConfig(process.env);
  const log = createLog(config.logLevel);
  const stopped = stopSignal();
  await withDatabase(config.databaseUrl, async (database) => {
    const identity = await loadIdentity(config, database);
    const signer = createSignerClient(config.signerSocket, systemClock);
    const publicUrl = publicUrlOf(config, config.port);
    const { tls, uiDir, trustedProxies } = config;
    const totpSeal = await loadTotpSeal(join(config.controllerDir, 'totp-key.json'), {
      repository: createTotpSecretsRepository(database),
      transaction: database.transaction,
      random: systemRandom,
      log,
    });
    const parts = {
      database,
      identity,
      loadLinkKey: createLinkKeyFolder(config.controllerDir).find,
      signer,
      log,
      publicUrl,
      tls,
      uiDir,
      trustedProxies,
      totpSeal,
      version: readVersion(),
      auditWitnesses: witnessesOf(config),
      signOnProviders: config.signOnText === null ? [] : parseSignOnSettings(config.signOnText, loadClientSecret),
    };
    const controller = await createController(parts);
    const port = await controller.start(config.host, config.port);
    log.info({ host: config.host, port, url: publicUrl.origin }, 'ready');
    tellReady({ url: publicUrlOf(config, port).origin, port });
    await stopped;
    log.info({}, 'stopping');
    setTimeout(() => {
      log.error({}, 'the stop took too long and was cut off');
      process.exit(1);
    }, STOP_WITHIN_MS).unref();
    await controller.stop();
    signer.close();
  });
}

async function signer(): Promise<void> {
  const config = loadSignerConfig(process.env);
  const log = createLog('info');
  const stopped = stopSignal();
  const running = await runSigner(config, systemClock, log);
  tellReady({ socket: config.socketPath });
  await stopped;
  await running.stop();
}

async function migrate(): Promise<void> {
  await migrateDatabase(loadDatabaseUrl(process.env));
  say('The database has the tables of this version.');
}

const auditOf = (database: Database) => createAudit(database, systemClock);

function witnessesOf({ auditWitnessFile, auditWitnessUrl }: ControllerConfig): OutsideWitness[] {
  return [
    ...(auditWitnessFile === null ? [] : [createWitnessFile(auditWitnessFile)]),
    ...(auditWitnessUrl === null ? [] : [createWitnessUrl(auditWitnessUrl)]),
  ];
}

/** What features share, for one command. */
const sharedOf = (database: Database) => ({
  audit: auditOf(database),
  transaction: database.transaction,
  together: database.together,
  clock: systemClock,
  random: systemRandom,
  log: createLog('warn'),
});

async function setupLink(): Promise<void> {
  const config = loadControllerConfig(process.env);
  const publicUrl = publicUrlOf(config, config.port);
  await withDatabase(config.databaseUrl, async (database) => {
    const { setup } = createPeople(sharedOf(database), database, publicUrl);
    if (!(await setup.state()).needed) {
      say(`The first account exists already; sign in at ${publicUrl.origin}.`);
      return;
    }
    const link = new URL('/setup', publicUrl);
    link.searchParams.set('token', await setup.makeToken());
    say(link.href);
  });
}

function parseJoinOptions(args: readonly string[]): JoinTokenRequest {
  const { values } = parseArgs({
    args: [...args],
    options: {
      role: { type: 'string', multiple: true },
      label: { type: 'string', multiple: true },
      uses: { type: 'string' },
      minutes: { type: 'string' },
      'host-name': { type: 'string' },
    },
  });
  const labels = (values.label ?? []).map((label) => {
    const at = label.indexOf('=');
    if (at < 1) throw new HaubanError('BAD_REQUEST', `--label must be name=value, not ${JSON.stringify(label)}.`);
    return [label.slice(0, at), label.slice(at + 1)] as const;
  });
  const request = {
    ...(values.role === undefined ? {} : { roles: values.role }),
    ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels) }),
    ...(values.uses === undefined ? {} : { uses: Number(values.uses) }),
    ...(values.minutes === undefined ? {} : { minutes: Number(values.minutes) }),
    ...(values['host-name'] === undefined ? {} : { hostName: values['host-name'] }),
  };
  if (Value.Check(JoinTokenRequest, request)) return request;
  const error = [...Value.Errors(JoinTokenRequest, request)][0];
  throw new HaubanError(
    'BAD_REQUEST',
    `join-token: ${error?.instancePath.slice(1) ?? 'an option'} ${error?.message ?? 'does not fit'}.`,
  );
}

async function joinToken(args: readonly string[]): Promise<void> {
  const request = parseJoinOptions(args);
  const config = loadControllerConfig(process.env);
  await withDatabase(config.databaseUrl, async (database) => {
    const identity = await loadIdentity(config, database);
    const joinTokens = createJoinTokensService({
      repository: createEnrolmentRepository(database),
      audit: auditOf(database),
      transaction: database.transaction,
      clock: systemClock,
      random: systemRandom,
      linkKey: () => identity.key.publicText,
      publicUrl: publicUrlOf(config, config.port),
    });
    say((await joinTokens.make(request, { name: 'system', address: null })).token);
  });
}

async function verifyAudit(): Promise<void> {
  const database = createDatabase({ url: loadDatabaseUrl(process.env) });
  try {
    const verdict = await auditOf(database).verify();
    if (!verdict.ok)
      throw new HaubanError('INTERNAL', `The audit log is not whole: row ${verdict.seq}: ${verdict.problem}.`);
    say(`The audit log is whole: ${verdict.tail.seq} rows, last hash ${verdict.tail.hash}.`);
  } finally {
    await database.close();
  }
}

function parseOverlap(args: readonly string[]): number {
  const { values } = parseArgs({ args: [...args], options: { 'overlap-hours': { type: 'string' } } });
  const hours = Number(values['overlap-hours'] ?? '24');
  if (!(hours >= 0 && hours <= 720))
    throw new HaubanError('BAD_REQUEST', '--overlap-hours must be a number from 0 to 720.');
  return Math.round(hours * 3_600_000);
}

/** Works beside a running controller, which takes the new key within seconds. */
async function rotateLinkKey(args: readonly string[]): Promise<void> {
  const overlapMs = parseOverlap(args);
  const config = loadControllerConfig(process.env);
  const { keyDir: signerDir } = loadSignerConfig(process.env);
  await withDatabase(config.databaseUrl, async (database) => {
    const identity = await loadIdentity(config, database);
    const signer = createSignerClient(config.signerSocket, systemClock);
    try {
      const folder = createLinkKeyFolder(config.controllerDir);
      const { version, retireAt } = await rotateLinkKeyHere(
        { database, identity, folder, signer, signerDir },
        overlapMs,
      );
      say(
        `Link key ${version} is in force. Nodes take the old one until ${new Date(retireAt).toISOString()}, and each follows when it is connected, however long it was away. Join tokens that were made before are worth nothing. Make a backup now: nodes refuse a controller that is restored from an older one.`,
      );
    } finally {
      signer.close();
    }
  });
}

/** Works beside a running controller, which hands the step to the nodes. */
async function rotateAuthorityKey(args: readonly string[]): Promise<void> {
  const overlapMs = parseOverlap(args);
  const config = loadControllerConfig(process.env);
  await withDatabase(config.databaseUrl, async (database) => {
    const identity = await loadIdentity(config, database);
    const { controllerId } = identity;
    const signer = createSignerClient(config.signerSocket, systemClock);
    const { bundles, authority } = createTrust(sharedOf(database), database, {
      controllerId,
      linkKeys: linkKeysOf(database, identity),
      signer,
      publicUrl: publicUrlOf(config, config.port),
      links: () => [],
      hostNames: async () => new Map(),
      waitingRuns: () => {
        throw new TypeError('no run is started here');
      },
    });
    try {
      await bundles.state();
      const outcome = await authority.rotate(overlapMs, { name: 'system', address: null });
      const { followed, nodes } = (await bundles.state()).authority;
      if (outcome.is === 'waiting')
        say(
          `Authority key ${outcome.version} is drafted. ${outcome.needed} owners have to approve it on the page Trust, within a week; until then nothing changes.`,
        );
      else
        say(
          `Authority key ${outcome.version} is in force. Nodes take the old one until ${new Date(outcome.retireAt).toISOString()}. ${followed} of ${nodes} nodes have followed; each of the others does when it is connected. Make a backup now: an older one cannot sign for nodes that have followed.`,
        );
    } finally {
      signer.close();
    }
  });
}

/** Once, while no controller runs: what nodes did since the backup is not in this database. */
async function afterRestore(): Promise<void> {
  await withDatabase(loadDatabaseUrl(process.env), async (database) => {
    const nodes = await database.transaction(async (tx) => {
      const count = await createNodesRepository(database).forgetJoins(tx);
      auditOf(database).record(tx, { code: 'A5010W', who: 'system', detail: { nodes: count } });
      return count;
    });
    say(`Each of ${nodes} nodes is believed once when it connects; see docs/restore.md for what else to look at.`);
  });
}

function oneFile(positionals: readonly string[]): string {
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new HaubanError('BAD_REQUEST', 'Name one file.');
  return resolve(file);
}

async function backupCommand(args: readonly string[]): Promise<void> {
  const { positionals } = parseArgs({ args: [...args], allowPositionals: true });
  say(await backUp(oneFile(positionals), process.env));
}

async function restoreCommand(args: readonly string[]): Promise<void> {
  const options = { replace: { type: 'boolean' } } as const;
  const { positionals, values } = parseArgs({ args: [...args], allowPositionals: true, options });
  say(await restore(oneFile(positionals), values.replace ?? false, process.env));
  await afterRestore();
}

const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  serve,
  signer,
  migrate,
  'setup-link': setupLink,
  'join-token': joinToken,
  'verify-audit': verifyAudit,
  'rotate-authority-key': rotateAuthorityKey,
  'rotate-link-key': rotateLinkKey,
  backup: backupCommand,
  restore: restoreCommand,
  'after-restore': afterRestore,
};

/** parseArgs refuses unknown options by errors with such codes. */
const isUsageError = (error: unknown): error is Error =>
  error instanceof TypeError && String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS');

async function main([name = '', ...args]: readonly string[]): Promise<number> {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  try {
    await command(args);
    return 0;
  } catch (error) {
    if (isUsageError(error)) {
      process.stderr.write(`${error.message}\n`);
      return 2;
    }
    const known = error instanceof HaubanError ? error : null;
    process.stderr.write(
      `${known?.detail ?? (error instanceof Error ? (error.stack ?? error.message) : String(error))}\n`,
    );
    return known === null ? 1 : (EXIT[known.code] ?? 1);
  }
}

process.exitCode = await main(process.argv.slice(2));
// Nothing is left to do; a handle that somebody forgot must not keep the process.
process.exit();
