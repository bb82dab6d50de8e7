import { describe, expect, it } from 'vitest';
import {
  grantPattern,
  mariadbHash,
  mariadbIdentifier,
  mariadbLogin,
  mariadbName,
  mariadbText,
  parseLogin,
  postgresqlName,
  postgresqlText,
  wholeNumber,
} from './sql-text.ts';

const HOSTILE = ["a'b", 'a"b', 'a`b', 'a\\b', 'a;b', 'a b\n', 'a\0b', '-a', 'A_b', 'é_b', '../a', '', 'a%', '$(id)'];

describe('names', () => {
  it.each(HOSTILE)('%j is no name for either server', (text) => {
    for (const quote of [mariadbName, grantPattern, postgresqlName]) expect(() => quote(text)).toThrow();
    expect(() => parseLogin(`${text}@localhost`)).toThrow();
  });

  it('are quoted, and wildcards of GRANT escaped', () => {
    expect(mariadbName('w4a_x')).toBe('`w4a_x`');
    expect(grantPattern('w4a__x')).toBe(String.raw`w4a\_\_x`);
    expect(postgresqlName('w4a_x')).toBe('"w4a_x"');
  });

  it('a table of a customer may bear anything but NUL', () => {
    expect(mariadbIdentifier('a`; DROP TABLE b; --')).toBe('`a``; DROP TABLE b; --`');
    expect(() => mariadbIdentifier('a\0b')).toThrow();
    expect(() => mariadbIdentifier('x'.repeat(65))).toThrow();
  });
});

describe('texts', () => {
  it('for MariaDB are bytes, so nothing ends them', () => {
    expect(mariadbText("a' OR '1")).toBe("CONVERT(X'6127204f52202731' USING utf8mb4)");
    expect(mariadbText('')).toBe("''");
  });

  it.each(["a'b", 'a\\b', 'a\nb', 'a"b', 'a;b', 'é'])('%j is no text for PostgreSQL', (text) => {
    expect(() => postgresqlText(text)).toThrow();
  });

  it.each(['*', `*${'a'.repeat(40)}`, `*${'A'.repeat(40)}'`, 'password'])('%j is no hash', (text) => {
    expect(() => mariadbHash(text)).toThrow();
  });

  it.each(['a@b', 'a@%', "a@localhost'", 'a@localhost@x', 'a', 'a@10.1.2.%%'])('%j is no login', (text) => {
    expect(() => parseLogin(text)).toThrow();
  });

  it('a login with a net, and whole numbers only', () => {
    expect(mariadbLogin(parseLogin('w4a_x@10.1.2.%'))).toBe("'w4a_x'@'10.1.2.%'");
    expect(wholeNumber(30)).toBe('30');
    for (const value of [-1, 1.5, Number.NaN, 1e300]) expect(() => wholeNumber(value)).toThrow();
  });
});
