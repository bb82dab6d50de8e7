import { describe, expect, it } from 'vitest';
import { judgePair } from './certificates.ts';
import { judgeHtaccess } from './htaccess-rules.ts';
import { parseNginxFault } from './nginx.ts';

describe('a .htaccess', () => {
  const lines = (text: string): string[] =>
    judgeHtaccess('x', text).map(({ line, severity }) => `${line ?? 0} ${severity}`);

  it.each<[string, string[]]>([
    ['php_value memory_limit 1G\n# php_flag x on\nPHP_FLAG display_errors on', ['1 ignored', '3 ignored']],
    ['Options FollowSymLinks', ['1 ignored']],
    ['AddHandler application/x-httpd-php .html\nAddHandler cgi-script .pl', ['1 breaks']],
    ['SetHandler "proxy:unix:/run/hosting/other.sock|fcgi://localhost/"', ['1 risk']],
    ['RewriteRule ^x$ unix:/run/x.sock|fcgi://localhost/x.php [P,L]\nRewriteRule ^a$ b [L]', ['1 risk']],
    ['<Files "a">\nDeny from all\n', ['1 breaks']],
    ['<Files "a">\n</FilesMatch>\n</files>', ['2 breaks']],
    ['<IfModule x>\r\nOptions \\\r\n All\r\n</IfModule>', ['2 ignored']],
    ['', []],
  ])('%j', (text, wanted) => {
    expect(lines(text)).toEqual(wanted);
  });

  it('shows nothing of itself, however it is written', () => {
    const found = judgeHtaccess('x', 'php_value "secret\u001b[2J" 1\n<Secret>\nOptions secret\n</Other secret>');
    expect(JSON.stringify(found)).not.toContain('secret');
    expect(JSON.stringify(found)).not.toContain('u001b');
  });

  it('of many thousand lines stops at a hundred findings', () => {
    expect(judgeHtaccess('x', 'Options All\n'.repeat(50_000))).toHaveLength(100);
    expect(judgeHtaccess('x', 'a \\\n'.repeat(50_000))).toEqual([]);
  });
});

it('nginx is quoted without its prefix', () => {
  expect(parseNginxFault('nginx: [emerg] unknown directive "x" in /etc/nginx/nginx.conf:3\nnginx: test failed\n')).toBe(
    'unknown directive "x" in /etc/nginx/nginx.conf:3',
  );
  expect(parseNginxFault('')).toBe('nginx refuses it without saying why');
});

it.each([
  ['', ''],
  ['root:x:0:0', 'root:x:0:0'],
  ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', 'secret'],
])('what is no certificate is not repeated: %j', (chain, key) => {
  expect(judgePair({ chain, key })).toEqual({ problem: 'fullchain.pem is no certificate' });
});
