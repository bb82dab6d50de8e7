import { requestHttp } from './http-request.ts';
import type { LabPlace } from './lab-place.ts';
import { waitUntil } from './program.ts';
import type { RootFiles } from './root-files.ts';

/** Any node, disposable or full. */
export type LabNode = LabPlace & RootFiles;

/** What the sites of a hoster need: PHP through FastCGI, TLS, rewriting. */
const modules = ['mpm_event', 'proxy', 'proxy_fcgi', 'ssl', 'socache_shmcb', 'rewrite', 'headers', 'setenvif'];
/** They exclude mpm_event; a machine where they are enabled still gives nodes without them. */
const otherModules = ['mpm_prefork', 'mpm_worker'];

/** Sets up Debian's Apache as sections 1.3 of the hosting rules want it: mpm_event, proxy_fcgi, ssl, rewrite. */
export async function enableApacheModules(node: LabNode): Promise<void> {
  const { stdout } = await node.mustRun('/usr/bin/ls', ['/etc/apache2/mods-enabled']);
  const enabled = stdout
    .split('\n')
    .filter((name) => name.endsWith('.load'))
    .map((name) => name.slice(0, -'.load'.length));
  const unwanted = enabled.filter((name) => otherModules.includes(name) || /^php\d/.test(name));
  if (unwanted.length > 0) await node.mustRun('/usr/sbin/a2dismod', ['--quiet', '--force', ...unwanted]);
  const missing = modules.filter((name) => !enabled.includes(name));
  if (missing.length > 0) await node.mustRun('/usr/sbin/a2enmod', ['--quiet', ...missing]);
}

/** Starts Apache in a disposable node and waits until it answers. It ends with the node, or by `stopApache`. */
export async function startApache(node: LabNode): Promise<void> {
  await enableApacheModules(node);
  await node.writeFile('/etc/apache2/conf-enabled/lab.conf', `ServerName ${node.name}\n`);
  await node.mustRun('/usr/bin/mkdir', ['--parents', '/run/apache2', '/run/lock/apache2', '/var/log/apache2']);
  await node.mustRun('/usr/sbin/apache2ctl', ['start']);
  await waitUntil(`Apache of ${node.name}`, async () => {
    return (await requestHttp(node, { url: 'http://127.0.0.1/' })).kind === 'response';
  });
}

export async function stopApache(node: LabNode): Promise<void> {
  await node.mustRun('/usr/sbin/apache2ctl', ['stop']);
  // The pid file goes before the last worker does.
  await waitUntil(`the end of Apache of ${node.name}`, async () => {
    return (await requestHttp(node, { url: 'http://127.0.0.1/' })).kind === 'refused';
  });
}
