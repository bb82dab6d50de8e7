import { HaubanError } from '@hauban/shared/errors';

/** Where PostgreSQL is, as the driver takes it. */
export interface DatabaseAddress {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly ssl: 'require' | 'prefer' | 'verify-full' | false;
}

const SSL_MODES: Readonly<Record<string, DatabaseAddress['ssl']>> = {
  disable: false,
  allow: 'prefer',
  prefer: 'prefer',
  require: 'require',
  'verify-ca': 'verify-full',
  'verify-full': 'verify-full',
};

const wrong = (what: string): HaubanError =>
  new HaubanError(
    'CONFIG_BAD',
    `DATABASE_URL ${what}; it looks like postgres://user:password@host:5432/database (a Unix socket: ?host=/folder)`,
  );

/** Parses libpq's URL form. `?host=/folder` names the folder of a Unix socket and wins over the host of the URL. */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  if (!URL.canParse(text)) throw wrong('is not a URL');
  const url = new URL(text);
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') throw wrong('does not begin with postgres://');
  const database = decodeURIComponent(url.pathname.slice(1));
  if (database === '') throw wrong('names no database');
  const mode = url.searchParams.get('sslmode') ?? 'disable';
  const ssl = Object.hasOwn(SSL_MODES, mode) ? SSL_MODES[mode] : undefined;
  if (ssl === undefined) throw wrong(`has an unknown sslmode "${mode.slice(0, 20)}"`);
  return {
    host: url.searchParams.get('host') ?? decodeURIComponent(url.hostname),
    port: url.port === '' ? 5432 : Number(url.port),
    database,
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    ssl,
  };
}
