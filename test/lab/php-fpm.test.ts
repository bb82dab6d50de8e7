import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApache } from './apache.ts';
import { createDisposableNode, type DisposableNode } from './disposable-node.ts';
import { requestHttp } from './http-request.ts';
import { startPhpFpm, type PhpFpm } from './php-fpm.ts';
import { labRequirements } from './requirements.ts';

const lab = labRequirements();
const versions = ['8.2', '8.4', '7.4'] as const;
const page =
  "<?php echo json_encode([PHP_MAJOR_VERSION . '.' . PHP_MINOR_VERSION, fileowner('/proc/self'), @file_get_contents('/srv/secret')]);";

function siteText(name: string, socket: string): string {
  return [
    '<VirtualHost *:80>',
    `ServerName ${name}`,
    'DocumentRoot /srv/site',
    '<Directory /srv/site>',
    'Require all granted',
    '</Directory>',
    '<FilesMatch "\\.php$">',
    `SetHandler "proxy:unix:${socket}|fcgi://localhost/"`,
    '</FilesMatch>',
    '</VirtualHost>',
    '',
  ].join('\n');
}

describe.skipIf(!lab.ok)('PHP in a disposable node', () => {
  let node: DisposableNode;
  const masters = new Map<string, PhpFpm>();

  beforeAll(async () => {
    node = await createDisposableNode({ name: 'php', phpRoots: ['8.4', '7.4'] });
    await node.writeFile('/srv/site/index.php', page);
    await node.writeFile('/srv/secret', 'for root only', 0o400);
    for (const version of versions) {
      const master = await startPhpFpm(node, { version, account: 'w4a100010', uid: 100_010 });
      masters.set(version, master);
      const name = `php${version.replace('.', '')}.test`;
      await node.writeFile(`/etc/apache2/sites-enabled/${name}.conf`, siteText(name, master.socket));
    }
    await startApache(node);
  });
  afterAll(() => node.destroy());

  it.each(versions)('answers through Apache with PHP %s as the account', async (version) => {
    const host = `php${version.replace('.', '')}.test`;
    const response = await requestHttp(node, { url: 'http://127.0.0.1/index.php', host });
    expect(response).toMatchObject({ status: 200, body: JSON.stringify([version, 100_010, false]) });
  });

  it('ends with the master and leaves the others serving', async () => {
    await masters.get('8.4')?.master.stop();
    expect(await requestHttp(node, { url: 'http://127.0.0.1/index.php', host: 'php84.test' })).toMatchObject({
      status: 503,
    });
    expect(await requestHttp(node, { url: 'http://127.0.0.1/index.php', host: 'php74.test' })).toMatchObject({
      status: 200,
    });
  });
});
