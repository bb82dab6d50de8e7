import type { LabNode } from '../apache.ts';

/** What else lies in /srv of the machine below is not the node's. */
const ONLY_HOMES = ['-path', '/srv/*', '-not', '-path', '/srv/vol1*', '-prune', '-o'];
/** Folders whose every entry counts; not in it: logs of Apache, our own notes, backups that passwd's programs make. */
const FOLDERS = ['/etc', '/srv', '/run', '/var/lib', '/var/log', '/var/spool', '/home'];
const LEFT_OUT =
  /^(?:\/etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-|\/etc\/\.pwd\.lock|\/run\/(?:apache2|lock|systemd|udev|log|dbus|user)(?:\/.*)?|\/var\/log\/(?:apache2|journal)(?:\/.*)?|\/var\/log\/(?:btmp|wtmp|lastlog|faillog)|\/var\/lib\/(?:hauban-driver|systemd|dbus|private)(?:\/.*)?)$/;

/** One text a node: equal texts, equal machines as far as users, files, firewall, PHP masters and units go. */
export async function snapshotNode(node: LabNode): Promise<string> {
  const listed = await node.mustRun('/usr/bin/find', [
    ...FOLDERS,
    '-xdev',
    ...ONLY_HOMES,
    '-printf',
    '%y %m %U:%G %p -> %l\n',
  ]);
  const entries = listed.stdout
    .split('\n')
    .filter((line) => line !== '' && !LEFT_OUT.test(/ (\/.*) -> /.exec(line)?.[1] ?? ''))
    .sort();
  const contents = await node.mustRun('/usr/bin/find', [
    ...['/etc', '/srv', '-xdev', ...ONLY_HOMES, '-type', 'f', '-not', '-name', '*-', '-not', '-name', 'ld.so.cache'],
    ...['-exec', '/usr/bin/sha256sum', '{}', '+'],
  ]);
  const users = await node.mustRun('/usr/bin/getent', ['passwd']);
  const groups = await node.mustRun('/usr/bin/getent', ['group']);
  const rules = await node.mustRun('/usr/sbin/nft', ['list', 'ruleset']);
  const processes = await node.mustRun('/usr/bin/ps', ['-e', '-o', 'args']);
  const masters = processes.stdout.split('\n').filter((line) => line.startsWith('php-fpm: master'));
  return [
    ...entries,
    ...contents.stdout.split('\n').sort(),
    users.stdout,
    groups.stdout,
    rules.stdout.replaceAll(/packets \d+ bytes \d+/g, '').replaceAll(/ expires \S+/g, ''),
    ...masters.sort(),
  ].join('\n');
}
