import type { QueryName, Queries, ResourceName, Resources, TaskName, Tasks } from '@hauban/shared/actions';

/**
 * Every door that the agent's drivers have, with what is well there; a test says which one is missing. What can be told
 * apart only by a look at the machine (an account, a snapshot) is there in `injection-node.ts`.
 */
type ResourceExamples = { readonly [N in ResourceName]?: readonly (readonly [id: string, value: Resources[N]])[] };
type TaskExamples = { readonly [N in TaskName]?: readonly Tasks[N][] };
type QueryExamples = { readonly [N in QueryName]?: readonly Queries[N]['args'][] };

const NAME = 'w4a100010';
const DOMAIN = 'a.example.net';
const FINGERPRINT = 'ab'.repeat(32);
const STORES = ['btrfs', 'restic', 'zfs'] as const;
const ENGINES = ['mariadb', 'postgresql'] as const;
const database = ENGINES.map((engine) => ({ engine, name: `${NAME}_shop` }));
const source = STORES.map((store) => ({ store, snapshot: 'manual-friday', path: 'shop' }));
const place = { account: NAME, label: 'friday' };
const permissions = {
  name: NAME,
  path: 'var/www',
  policy: { directories: '0755', files: '0644', secrets: '0600' },
} as const;
const custom = { name: 'echo', hash: '0'.repeat(64), args: { text: 'hello' } };
const guest = { guest: 'vm1', identity: '00000000-0000-4000-8000-000000000000' };
const definition = {
  ...{ identity: guest.identity, template: 'debian', cpus: 1, memoryMiB: 512, bridge: 'br0' },
  ...{ mac: '52:54:00:00:00:01', description: 'Customer 10' },
};
const entry = {
  ...{ uid: 100_012, gid: 100_012, comment: 'Customer 12', home: '/srv/vol1/w4a100012', shell: '/usr/sbin/nologin' },
  ...{ password: '!', lastChangeDay: 20_000, minDays: 0, maxDays: 99_999, warnDays: 7, inactiveDays: null },
};

export const RESOURCE_EXAMPLES: ResourceExamples = {
  'account.entry': [['w4a100012', entry]],
  'account.expiry': [[NAME, { day: null }]],
  'account.shell': [[NAME, { shell: '/usr/sbin/nologin' }]],
  'account.home': [[`${NAME}/1`, { place: 'live' }]],
  'account.jail-device': [[`${NAME}/null`, { major: 1, minor: 3, mode: '0666' }]],
  'account.jail-file': [[`${NAME}/bin/sh`, { sha256: FINGERPRINT, mode: '0755' }]],
  'account.quota': [[NAME, { hardMiB: 100 }]],
  'balancer.server': [['sites/web1', { state: 'ready', weight: 10 }]],
  'crowdsec.ban': [['192.0.2.7', { banned: true }]],
  'database.database': database.map(({ engine, name }) => [
    `${engine}/${name}`,
    { charset: 'utf8mb4', collation: 'utf8mb4_unicode_ci', owner: `${name}_owner` },
  ]),
  'database.dump': database.map(({ engine, name }) => [`${engine}/${name}/friday`, { kept: true }]),
  'database.grant': [
    [`mariadb/${NAME}_shop/${NAME}_jo@localhost`, { rights: 'all' }],
    [`postgresql/${NAME}_shop/${NAME}_jo`, { rights: 'read' }],
  ],
  'database.live': database.map(({ engine, name }) => [`${engine}/${name}`, { live: 'original' }]),
  'database.placed': database.map(({ engine, name }) => [`${engine}/${name}`, { live: 'original' }]),
  'database.side': database.map(({ engine, name }) => [`${engine}/${name}`, { dump: 'friday' }]),
  'database.user': [
    [`mariadb/${NAME}_jo@localhost`, { passwordHash: `*${'0123456789'.repeat(4)}`, maxConnections: 30 }],
    [`postgresql/${NAME}_jo`, { passwordHash: 'unknown', maxConnections: 30 }],
  ],
  'fail2ban.ban': [['sshd/192.0.2.7', { banned: true }]],
  'hypervisor.disk': [['vm1/debian', { sizeGiB: 1 }]],
  'hypervisor.guest': [['vm1', definition]],
  'hypervisor.kept': [['vm1', { identity: guest.identity }]],
  'hypervisor.seed': [['vm1', { sshKeys: [`ssh-ed25519 ${'A'.repeat(68)} laptop`] }]],
  'hypervisor.snapshot': [['vm1/friday', { identity: guest.identity }]],
  'hypervisor.power': [['vm1', { identity: guest.identity, state: 'running' }]],
  'mail.mailbox': [
    [`jo@${DOMAIN}`, { passwordHash: `{SHA512-CRYPT}$6$saltsalt$${'a'.repeat(86)}`, quotaMiB: 10, suspended: false }],
  ],
  'mail.messages': [[`jo@${DOMAIN}`, { place: 'live' }]],
  'package.versions': [['curl:amd64', { versions: ['1.0-1'] }]],
  'service.unit': [['cron.service', { active: true, enabled: true }]],
  'storage.placed': [[`${NAME}/friday`, { live: 'original' }]],
  'storage.restored': source.map((one) => [`${NAME}/friday`, one]),
  'storage.snapshot': STORES.map((store) => [`${store}/${NAME}/manual-friday`, { readOnly: true }]),
  'tls.version': [[`${DOMAIN}/${FINGERPRINT}`, { fingerprint: FINGERPRINT, serial: '01', names: [DOMAIN] }]],
  'web.docroot': [[`${NAME}/shop`, { uid: 100_010, mode: 0o755 }]],
};

export const TASK_EXAMPLES: TaskExamples = {
  'account.end-processes': [{ uid: 100_012 }],
  'account.fix-permissions': [{ ...permissions, list: 'friday' }],
  'account.home-settle': [{ home: `${NAME}/1` }],
  'account.jail-tidy': [{ name: NAME }],
  'account.restore-permissions': [{ name: NAME, list: 'friday' }],
  'apache.restart': [{ pid: 1 }],
  'balancer.wait-idle': [{ backend: 'sites', server: 'web1', withinS: 1 }],
  'custom.run': [{ ...custom, phase: 'run', canUndo: false, canVerify: false }],
  'database.clear': database,
  'database.discard': database.map((one) => ({ ...one, which: 'side' })),
  'database.fill-if-empty': database.map((one) => ({ ...one, label: 'friday' })),
  'database.keep-dump': database.map((one) => ({ ...one, label: 'friday' })),
  'database.tidy': database,
  'hypervisor.bring-back': [guest],
  'hypervisor.cut': [{ ...guest, run: '1' }],
  'hypervisor.migrate': [{ ...guest, to: 'node2', disks: 'shared' }],
  'hypervisor.reboot': [{ ...guest, run: '1', waitS: 1 }],
  'hypervisor.revert': [{ ...guest, snapshot: 'friday' }],
  'hypervisor.tidy': [guest],
  'hypervisor.shutdown': [{ ...guest, waitS: 1 }],
  'mail.index': [{}],
  'mail.kick': [{ address: `jo@${DOMAIN}` }],
  'mail.queue-delete': [{ ids: ['4F2A1B3C5D'] }],
  'mail.queue-flush': [{ ids: ['4F2A1B3C5D'] }],
  'mail.queue-hold': [{ ids: ['4F2A1B3C5D'] }],
  'mail.queue-release': [{ ids: ['4F2A1B3C5D'] }],
  'nginx.reload': [{ pid: 1 }],
  'nginx.restart': [{ pid: 1 }],
  'node.reboot': [{ bootId: '00000000-0000-0000-0000-000000000000' }],
  'node.rotate-receipt-key': [{ version: 1 }],
  'package.refresh': [{}],
  'php.refresh': [{ account: NAME, version: '8.2', uid: 100_010 }],
  'service.reload': [{ unit: 'cron.service' }],
  'service.restart': [{ unit: 'cron.service', invocation: '0'.repeat(32) }],
  'storage.discard': [place],
  'storage.tidy': [place],
  'tls.renew': [{ domain: DOMAIN, fingerprint: FINGERPRINT, client: 'certbot' }],
  'tls.tidy': [{ domain: DOMAIN, fingerprint: FINGERPRINT }],
};

export const QUERY_EXAMPLES: QueryExamples = {
  'account.jail-sources': [{ programs: ['/bin/sh'] }],
  'account.list': [{}],
  'account.permissions': [permissions],
  'account.processes': [{ uid: 100_010 }],
  'account.dataset': [{ home: `${NAME}/1` }],
  'account.quota-facts': [{ name: NAME }],
  'account.ssh': [{ name: NAME }],
  'balancer.servers': [{}],
  'custom.ask': [{ ...custom, phase: 'run' }],
  'database.dump-facts': database.map((one) => ({ ...one, label: 'friday' })),
  'database.dump-labels': database,
  'database.facts': database.map((one) => ({ ...one, which: 'live' })),
  'database.list': ENGINES.map((engine) => ({ engine })),
  'database.placed-dump': database,
  'database.user-databases': ENGINES.map((engine) => ({ engine, user: `${NAME}_jo` })),
  'hypervisor.facts': [{ guest: 'vm1' }],
  'hypervisor.guests': [{}],
  'hypervisor.hosts': [{}],
  'hypervisor.local-disks': [guest],
  'hypervisor.is-at': [{ ...guest, to: 'node2' }],
  'hypervisor.prepare': [{ guest: 'vm1', template: 'debian', bridge: 'br0' }],
  'hypervisor.snapshots': [guest],
  'mail.lookup': [{ address: `jo@${DOMAIN}` }],
  'mail.queue': [
    { filter: { ids: ['4F2A1B3C5D'] }, limit: 10 },
    { filter: { sender: `jo@${DOMAIN}` }, limit: 10 },
  ],
  'nginx.state': [{}],
  'node.boot': [{ atRest: false }],
  'node.receipt-key': [{}],
  'package.updates': [{}],
  'protection.askers': [{ file: 'xmlrpc.php', since: 0, everyMethod: true, account: NAME }],
  'protection.connections': [{ address: '192.0.2.7' }],
  'protection.foreign-bans': [
    { source: 'fail2ban', address: '192.0.2.7' },
    { source: 'crowdsec', address: '192.0.2.7' },
  ],
  'service.facts': [{ unit: 'cron.service' }],
  'service.php-pools': [{ version: '8.2', masterPid: 1 }],
  'site.scan': [{ account: NAME, uid: 100_010, docroot: 'shop' }],
  'storage.check': STORES.map((store) => ({ store, account: NAME, snapshot: 'manual-friday' })),
  'storage.restore-facts': [place],
  'storage.snapshots': STORES.map((store) => ({ store, account: NAME })),
  'storage.source': source.map((one) => ({ ...one, account: NAME })),
  'storage.store': STORES.map((store) => ({ store, account: NAME })),
  'storage.target': [{ account: NAME, path: 'shop' }],
  'tls.client': [{ domain: DOMAIN }],
  'tls.domains': [{}],
  'tls.facts': [{ domain: DOMAIN, place: 'current' }],
  'tls.served': [{ domain: DOMAIN, port: 443 }],
};
