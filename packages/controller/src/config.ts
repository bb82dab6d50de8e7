import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { HaubanError } from '@hauban/shared/errors';

/** The environment, read once. Every problem is one sentence that names the variable. */
type Env = Readonly<Record<string, string | undefined>>;

export interface ControllerConfig {
  readonly databaseUrl: string;
  readonly host: string;
  readonly port: number;
  /** What people type and nodes dial; passkeys are bound to its host name. Null: where we listen. */
  readonly publicUrl: URL | null;
  readonly signerSocket: string;
  /** Holds the link key. */
  readonly controllerDir: string;
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly uiDir: string | null;
  readonly trustedProxies: readonly string[];
  /** Who keeps signed heads of the audit log, besides the nodes. */
  readonly auditWitnessFile: string | null;
  readonly auditWitnessUrl: URL | null;
  /** Text of the file that names identity providers, or null. */
  readonly signOnText: string | null;
  /** Text of the file that says where webhooks may be sent besides, or null. */
  readonly webhookText: string | null;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

const bad = (detail: string, cause?: unknown): HaubanError => new HaubanError('CONFIG_BAD', detail, { cause });

function need(env: Env, name: string, says: string): string {
  const value = env[name];
  if (value === undefined || value === '') throw bad(`${name} is not set: ${says}.`);
  return value;
}

function needFolder(env: Env, name: string, says: string): string {
  const path = need(env, name, says);
  if (!isAbsolute(path)) throw bad(`${name} must be an absolute path.`);
  return path;
}

/** `host:port`; an IPv6 address in brackets. */
export function parseListen(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw bad('HAUBAN_LISTEN must be host:port, for example 127.0.0.1:7460 or [::1]:7460.');
  }
  return { host: match[1] ?? match[2] ?? '', port };
}

/** An origin: http or https, a host, no path. */
export function parsePublicUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isWeb = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (url === null || !isWeb || url.username !== '' || url.pathname !== '/' || url.search !== '') {
    throw bad(
      'HAUBAN_PUBLIC_URL must be http(s)://host[:port] without a path, for example https://hauban.example.com.',
    );
  }
  return url;
}

function loadFile(env: Env, name: string): string | null {
  const path = env[name];
  if (path === undefined || path === '') return null;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw bad(`${name}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}).`, error);
  }
}

const OTHERS_MAY_READ = 0o004;

/** Secret of a client at an identity provider. A file that everybody may read holds no secret. */
export function loadClientSecret(path: string): string {
  try {
    if ((statSync(path).mode & OTHERS_MAY_READ) !== 0)
      throw bad(`HAUBAN_SIGN_ON_FILE: everybody may read ${path}: take that away (chmod o-r) and make a new secret.`);
    const secret = readFileSync(path, 'utf8').trim();
    if (secret === '') throw bad(`HAUBAN_SIGN_ON_FILE: ${path} is empty: put the client's secret there.`);
    return secret;
  } catch (error) {
    if (error instanceof HaubanError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw bad(`HAUBAN_SIGN_ON_FILE: the client's secret ${path} cannot be read (${code}).`, error);
  }
}

/** Certificates (PEM) of authorities that receivers of webhooks have theirs from. */
export function loadAuthority(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw bad(`HAUBAN_WEBHOOK_FILE: caFile ${path} cannot be read (${code}).`, error);
  }
}

function loadTls(env: Env): ControllerConfig['tls'] {
  const cert = loadFile(env, 'HAUBAN_TLS_CERT');
  const key = loadFile(env, 'HAUBAN_TLS_KEY');
  if (cert === null && key === null) return null;
  if (cert === null || key === null) throw bad('HAUBAN_TLS_CERT and HAUBAN_TLS_KEY go together: set both or none.');
  return { cert, key };
}

function optionalPath(env: Env, name: string): string | null {
  const path = env[name] ?? '';
  if (path !== '' && !isAbsolute(path)) throw bad(`${name} must be an absolute path.`);
  return path === '' ? null : path;
}

/** What is told there is signed, but whoever reads it on the way learns how busy the log is: https, or this machine. */
function witnessUrl(text: string): URL | null {
  if (text === '') return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  const isNear = url?.protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  if (url === null || (url.protocol !== 'https:' && !isNear) || url.username !== '')
    throw bad('HAUBAN_AUDIT_WITNESS_URL must be an https:// address without a user name, or http:// on this machine.');
  return url;
}

export function loadDatabaseUrl(env: Env): string {
  return need(env, 'DATABASE_URL', 'give a PostgreSQL 15 or newer, as postgres://user:password@host:5432/database');
}

export function loadControllerConfig(env: Env): ControllerConfig {
  const level = env['HAUBAN_LOG_LEVEL'] ?? 'info';
  const logLevel = LEVELS.find((known) => known === level);
  if (logLevel === undefined) throw bad(`HAUBAN_LOG_LEVEL must be one of ${LEVELS.join(', ')}.`);
  const publicUrl = env['HAUBAN_PUBLIC_URL'] ?? '';
  const proxies = (env['HAUBAN_TRUSTED_PROXIES'] ?? '').split(',').map((part) => part.trim());
  const uiDir = env['HAUBAN_UI_DIR'] ?? '';
  return {
    databaseUrl: loadDatabaseUrl(env),
    ...parseListen(env['HAUBAN_LISTEN'] ?? '127.0.0.1:7460'),
    publicUrl: publicUrl === '' ? null : parsePublicUrl(publicUrl),
    signerSocket: needFolder(env, 'HAUBAN_SIGNER_SOCKET', 'the path of the Unix socket at which the signer listens'),
    controllerDir: needFolder(env, 'HAUBAN_CONTROLLER_DIR', "the folder that holds this controller's link key"),
    tls: loadTls(env),
    uiDir: uiDir === '' ? null : uiDir,
    trustedProxies: proxies.filter((proxy) => proxy !== ''),
    auditWitnessFile: optionalPath(env, 'HAUBAN_AUDIT_WITNESS_FILE'),
    auditWitnessUrl: witnessUrl(env['HAUBAN_AUDIT_WITNESS_URL'] ?? ''),
    signOnText: loadFile(env, 'HAUBAN_SIGN_ON_FILE'),
    webhookText: loadFile(env, 'HAUBAN_WEBHOOK_FILE'),
    logLevel,
  };
}

export interface SignerConfig {
  readonly socketPath: string;
  readonly keyDir: string;
  /** Files that may hold the passphrase of the key: from systemd, or named. */
  readonly passphrase: { readonly credential: string | null; readonly file: string | null };
  /** A PKCS#11 token that holds the key in place of a file. */
  readonly token: { readonly module: string; readonly tokenLabel: string; readonly pinFile: string } | null;
  /** User id of the controller where it is not the signer's own, or null. */
  readonly callerUid: number | null;
}

/** System users are in this file: they are made by systemd-sysusers. */
const USERS_FILE = '/etc/passwd';

function loadCallerUid(env: Env): number | null {
  const name = env['HAUBAN_SIGNER_CALLER'] ?? '';
  if (name === '') return null;
  const lines = readFileSync(USERS_FILE, 'utf8').split('\n');
  const uid = lines.map((line) => line.split(':')).find((fields) => fields[0] === name)?.[2] ?? '';
  if (!/^[0-9]{1,10}$/.test(uid)) throw bad(`HAUBAN_SIGNER_CALLER: there is no user ${name} in ${USERS_FILE}.`);
  return Number(uid);
}

/** `module,label,PIN file` */
function parseToken(env: Env): SignerConfig['token'] {
  const value = env['HAUBAN_SIGNER_PKCS11'] ?? '';
  if (value === '') return null;
  const [module = '', tokenLabel = '', pinFile = '', ...rest] = value.split(',').map((part) => part.trim());
  if (!isAbsolute(module) || tokenLabel === '' || !isAbsolute(pinFile) || rest.length > 0)
    throw bad(
      'HAUBAN_SIGNER_PKCS11 must be module,label,PIN file, for example /usr/lib/softhsm/libsofthsm2.so,hauban,/etc/hauban/signer-pin.',
    );
  return { module, tokenLabel, pinFile };
}

const CREDENTIAL = 'hauban-signer-passphrase';

export function loadSignerConfig(env: Env): SignerConfig {
  const credentials = env['CREDENTIALS_DIRECTORY'] ?? '';
  const file = env['HAUBAN_SIGNER_PASSPHRASE_FILE'] ?? '';
  if (file !== '' && !isAbsolute(file)) throw bad('HAUBAN_SIGNER_PASSPHRASE_FILE must be an absolute path.');
  return {
    socketPath: needFolder(env, 'HAUBAN_SIGNER_SOCKET', 'the path of the Unix socket at which the signer shall listen'),
    keyDir: needFolder(env, 'HAUBAN_SIGNER_DIR', "the folder that holds the signer's key"),
    passphrase: {
      credential: credentials === '' ? null : join(credentials, CREDENTIAL),
      file: file === '' ? null : file,
    },
    token: parseToken(env),
    callerUid: loadCallerUid(env),
  };
}
