import { describe, expect, it } from 'vitest';
import { parseDatabaseUrl } from './database-url.ts';

describe('parseDatabaseUrl', () => {
  it('takes a host, a Unix socket and encoded characters', () => {
    expect(parseDatabaseUrl('postgres://u%40x:p%2Fw@db.example:5433/main?sslmode=require')).toEqual({
      host: 'db.example',
      port: 5433,
      database: 'main',
      user: 'u@x',
      password: 'p/w',
      ssl: 'require',
    });
    expect(parseDatabaseUrl('postgresql://u@localhost/main?host=/run/pg').host).toBe('/run/pg');
  });

  it.each([
    ['hello', 'is not a URL'],
    ['mysql://u@h/db', 'postgres://'],
    ['postgres://u@h', 'names no database'],
    ['postgres://u@h/db?sslmode=maybe', 'unknown sslmode'],
  ])('refuses %s with one sentence', (url, says) => {
    expect(() => parseDatabaseUrl(url)).toThrow(says);
  });
});
