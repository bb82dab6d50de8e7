import { HaubanError } from '@hauban/shared/errors';

/**
 * The only ways in which a value gets into SQL. Each refuses what it does not expect and quotes the rest all the same:
 * both clients read SQL from standard input, where a backslash or a quote would begin something else.
 */

const refused = (what: string, text: string): HaubanError =>
  new HaubanError('ACTION_REFUSED', `${JSON.stringify(text.slice(0, 80))} is no ${what}`);

/** Of databases, users and roles that we make or are asked for. */
const NAME = /^[a-z][a-z0-9_]{1,62}$/;

function checkName(name: string): string {
  if (!NAME.test(name)) throw refused('name of a database or user', name);
  return name;
}

/** An identifier of MariaDB, such as a table of a customer: any character but NUL. */
export function mariadbIdentifier(name: string): string {
  if (name === '' || name.length > 64 || name.includes('\0')) throw refused('identifier of MariaDB', name);
  return `\`${name.replaceAll('`', '``')}\``;
}
export const mariadbName = (name: string): string => mariadbIdentifier(checkName(name));
/** For GRANT and REVOKE, where `_` and `%` are wildcards: as the server then keeps it. */
export const grantPattern = (name: string): string => checkName(name).replaceAll(/[_%]/g, String.raw`\$&`);
/** A text as its bytes: there is nothing in it that could end it. */
export const mariadbText = (text: string): string =>
  text === '' ? "''" : `CONVERT(X'${Buffer.from(text, 'utf8').toString('hex')}' USING utf8mb4)`;

const HOST = /^(?:localhost|[0-9]{1,3}(?:\.[0-9]{1,3}){2}\.(?:%|[0-9]{1,3}))$/;

export interface MariadbLogin {
  readonly user: string;
  readonly host: string;
}

/** `user@host` of an id. */
export function parseLogin(login: string): MariadbLogin {
  const [user = '', host = '', more] = login.split('@');
  if (more !== undefined || !HOST.test(host)) throw refused('login of MariaDB', login);
  return { user: checkName(user), host };
}
export const mariadbLogin = ({ user, host }: MariadbLogin): string => `'${checkName(user)}'@'${host}'`;

export function mariadbHash(hash: string): string {
  if (!/^\*[0-9A-F]{40}$/.test(hash)) throw refused('hash of a password', hash.slice(0, 3));
  return `'${hash}'`;
}

export const postgresqlName = (name: string): string => `"${checkName(name)}"`;

/** Letters, digits and signs of hashes, labels and collations; no quote, no backslash. */
export function postgresqlText(text: string): string {
  if (!/^[A-Za-z0-9_.:$+/= -]{0,300}$/.test(text)) throw refused('text for PostgreSQL', text);
  return `'${text}'`;
}

export function wholeNumber(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) throw refused('whole number', String(value));
  return String(value);
}
