import { makePackage, REPOSITORY, writeArchive } from '../actions/package-archive.ts';
import { loadFullNodeRoot } from '../full-node-root.ts';
import { createFullNode, type FullNode } from '../full-node.ts';
import { createLabNetwork } from '../lab-network.ts';
import { waitUntil } from '../program.ts';
import { MachineReader, upperOf } from './machine-state.ts';
import { OrderClient } from './order-client.ts';
import { fileBelow } from './paths.ts';
import { pick } from './pick.ts';
import { defineFamily, type Arranging, type Stand } from './scenario.ts';

/** What needs a machine with systemd: units, packages, a reboot, a renewal in a unit of its own. */

const NODE = '/usr/local/bin/node';
const UNITS = ['apache2', 'php8.2-fpm', 'memcached'] as const;
const DOMAIN = 'a.example.net';
const CA = '/etc/lab-ca';
const ACME = '/etc/letsencrypt';

interface MachineStand extends Stand {
  readonly node: FullNode;
}
type Wants = Arranging<MachineStand>;

/** Stands in for the client and for the authority behind it: another certificate each time. */
const CERTBOT = `#!${NODE}
const { execFileSync } = require('node:child_process');
const { appendFileSync, readFileSync, readdirSync, renameSync, symlinkSync } = require('node:fs');
const [archive, live] = ['${ACME}/archive/${DOMAIN}', '${ACME}/live/${DOMAIN}'];
const number = readdirSync(archive).length / 2 + 1;
const [chain, key] = ['fullchain', 'privkey'].map((name) => archive + '/' + name + number + '.pem');
execFileSync('/usr/bin/openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
  '-days', '90', '-subj', '/CN=${DOMAIN}', '-addext', 'subjectAltName=DNS:${DOMAIN}', '-addext',
  'basicConstraints=critical,CA:FALSE', '-CA', '${CA}/ca.pem', '-CAkey', '${CA}/ca.key', '-keyout', key, '-out', chain]);
appendFileSync(chain, readFileSync('${CA}/ca.pem'));
for (const name of ['fullchain', 'privkey']) {
  symlinkSync('../../archive/${DOMAIN}/' + name + number + '.pem', live + '/' + name + '.next');
  renameSync(live + '/' + name + '.next', live + '/' + name + '.pem');
}
`;

async function unitsOf(node: FullNode): Promise<readonly (readonly [string, string])[]> {
  const [running, files] = [
    await node.systemctl('list-units', '--all', '--plain', '--no-legend', '--type=service'),
    await node.systemctl('list-unit-files', '--plain', '--no-legend', '--type=service'),
  ];
  const rows = (text: string): readonly (readonly string[])[] =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => line.trim().split(/\s+/));
  const isOurs = (unit: string): boolean => UNITS.some((one) => unit === `${one}.service`);
  return [
    ...rows(running.stdout)
      .filter(([unit = '']) => isOurs(unit))
      .map(([unit = '', , active = '', sub = '']) => [`unit:${unit}`, `${active} ${sub}`] as const),
    ...rows(files.stdout).map(([unit = '', state = '']) => [`enabled:${unit}`, state] as const),
  ];
}

async function packagesOf(node: FullNode): Promise<readonly (readonly [string, string])[]> {
  const { stdout } = await node.mustRun('/usr/bin/dpkg-query', [
    '--show',
    '--showformat=${Package} ${Version} ${db:Status-Abbrev}\n',
  ]);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => [`package:${line.split(' ')[0] ?? ''}`, line] as const);
}

async function prepare(node: FullNode): Promise<void> {
  await node.writeFile(
    '/etc/systemd/system/memcached.service',
    `[Service]\nExecStart=${NODE} -e "process.on('SIGHUP', () => undefined); setInterval(() => undefined, 1e6)"\nExecReload=/usr/bin/kill -HUP $MAINPID\n[Install]\nWantedBy=multi-user.target\n`,
  );
  await node.systemctl('daemon-reload');
  await node.systemctl('enable', '--now', 'memcached');
  await node.mustRun('/usr/bin/mkdir', [
    '-p',
    REPOSITORY,
    CA,
    `${ACME}/archive/${DOMAIN}`,
    `${ACME}/live/${DOMAIN}`,
    `${ACME}/renewal`,
  ]);
  await node.writeFile('/etc/apt/sources.list', '');
  await node.mustRun('/usr/bin/find', ['/etc/apt/sources.list.d', '-type', 'f', '-delete']);
  await node.writeFile('/etc/apt/sources.list.d/lab.list', `deb [trusted=yes] file:${REPOSITORY} ./\n`);
  for (const version of ['1.0', '1.1']) await makePackage(node, 'safe', version);
  await node.mustRun('/usr/bin/dpkg', ['--install', `${REPOSITORY}/safe_1.0.deb`]);
  await writeArchive(node, 'Debian-Security', [
    ['safe', '1.1'],
    ['safe', '1.0'],
  ]);
  await node.mustRun('/usr/bin/openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '300', '-subj', '/CN=Lab authority'],
    ...['-keyout', `${CA}/ca.key`, '-out', `${CA}/ca.pem`],
  ]);
  await node.writeFile('/usr/bin/certbot', CERTBOT, 0o755);
  await node.writeFile(`${ACME}/renewal/${DOMAIN}.conf`, 'known = yes\n');
  await node.mustRun('/usr/bin/mkdir', ['-p', '-m', '0700', `/etc/hosting/tls/incoming/${DOMAIN}`]);
  await node.mustRun('/usr/bin/chmod', ['0755', '/etc/hosting', '/etc/hosting/tls']);
}

async function stand(): Promise<MachineStand> {
  const network = await createLabNetwork('cat-net');
  const node = await createFullNode({ name: 'cat-machine', network });
  await prepare(node);
  let known = node.leaderPid() ?? 0;
  // The kernel's list of children may leave one out while others come and go.
  const leader = (): number => (known = node.leaderPid() ?? known);
  const machine = new MachineReader({
    node,
    live: () => `/proc/${leader()}/root`,
    upper: upperOf(node.rootPath),
    lower: await loadFullNodeRoot(),
    mounted: ['/run', '/tmp'],
    leftOut: [
      { paths: /^\/var\/(?:lib\/(?:apt|dpkg)|log\/apt|backups)(?:\/|$)/, why: 'dpkg is asked for packages' },
      {
        paths: /^\/(?:run|tmp)\/(?:systemd|utmp|mount|sudo|php|user|credentials|host|apache2)/,
        why: "systemd's and other programs' own",
      },
      { paths: /^\/etc\/(?:machine-id|resolv\.conf|\.updated)$/, why: 'made at the boot' },
    ],
    initPid: leader,
    things: async () => [...(await unitsOf(node)), ...(await packagesOf(node))],
  });
  const orders = await OrderClient.putInto(node, NODE);
  await orders.ask({ do: 'apply', action: 'package.refresh', args: {} });
  return {
    node,
    machine,
    orders,
    async destroy() {
      await node.destroy();
      await network.destroy();
    },
  };
}

/** The node goes down under the order; whoever comes back after the boot settles it. */
async function proveReboot({ node, orders }: MachineStand): Promise<readonly string[]> {
  const order = { action: 'node.reboot', args: { onlyIfRequired: true } };
  const problems: string[] = [];
  const quiet = await orders.ask({ do: 'apply', ...order });
  if (quiet.result.outcome !== 'unchanged') problems.push(`not due, it ended as ${quiet.result.outcome}`);
  await node.writeFile('/run/reboot-required', '*** System restart required ***\n');
  const gone = orders.send({ do: 'apply', ...order, dies: { step: 1000, when: 'after', delayMs: 0 } });
  await waitUntil('the end of this boot', () => node.leaderPid() === null, { timeoutMs: 90_000 });
  if ((await gone) !== null) problems.push('the order ended before the machine did');
  await node.boot();
  const { result } = await orders.ask({ do: 'recover', ...order });
  if (result.outcome !== 'succeeded') problems.push(`after its return it ended as ${result.outcome}: ${result.detail}`);
  return problems;
}

const unit = ({ random }: Wants): object => ({ unit: pick(random, UNITS) });
const nothing = (): Promise<object> => Promise.resolve({});
const UNIT_OWN = /^(?:process:|path:\/run\/)/;

export const MACHINE = defineFamily<MachineStand>({
  name: 'machine',
  stand,
  resources: {
    'service.unit': (id) => ({ shows: [`unit:${id}`], touches: [UNIT_OWN] }),
    'package.versions': (id) => {
      const names = id.split(',').map((one) => one.split(':')[0] ?? '');
      return {
        shows: names.map((name) => `package:${name}`),
        touches: names.map((name) => fileBelow(`/usr/share/${name}`)),
      };
    },
  },
  tasks: {
    'tls.renew': ({ domain }) => ({
      shows: [`path:/etc/hosting/tls/incoming/${domain}/fullchain.pem`],
      touches: [fileBelow('/etc/hosting/tls/incoming'), fileBelow(ACME)],
    }),
  },
  scenarios: [
    { action: 'service.stop', isDear: true, weight: 1, arrange: (wants) => Promise.resolve(unit(wants)) },
    {
      action: 'service.start',
      isDear: true,
      weight: 1,
      async arrange(wants) {
        const args = unit(wants);
        await wants.first('service.stop', args);
        return args;
      },
    },
    {
      action: 'service.restart',
      isDear: true,
      weight: 1,
      eachTime: 'another start each time; there is nothing to undo',
      arrange: (wants) => Promise.resolve(unit(wants)),
    },
    {
      action: 'service.reload',
      isDear: true,
      weight: 1,
      eachTime: 'it reads its configuration each time; there is nothing to undo',
      arrange: (wants) => Promise.resolve({ unit: pick(wants.random, UNITS.slice(1)) }),
    },
    {
      action: 'package.refresh',
      weight: 0,
      isDear: true,
      eachTime: 'the lists are fetched each time; no package is changed',
      arrange: nothing,
    },
    { action: 'package.upgrade-security', weight: 0, isDear: true, arrange: nothing },
    {
      action: 'tls.renew',
      weight: 0,
      isDear: true,
      stays: 'what the authority issued can not be taken back',
      eachTime: 'none is in use yet, so each time it asks for another one',
      alwaysNew: [
        { names: /^path:\/etc\/(?:letsencrypt|hosting\/tls)\//, why: 'a certificate is another one each time' },
      ],
      arrange({ stand: { node }, atEnd }) {
        atEnd(() =>
          node.mustRun('/usr/bin/find', [
            `${ACME}/archive/${DOMAIN}`,
            `${ACME}/live/${DOMAIN}`,
            `/etc/hosting/tls/incoming/${DOMAIN}`,
            '-mindepth',
            '1',
            '-delete',
          ]),
        );
        return Promise.resolve({ domain: DOMAIN });
      },
    },
    { action: 'package.list-updates', weight: 0, isDear: true, arrange: nothing },
    { action: 'node.reboot-required', weight: 0, isDear: true, arrange: nothing },
    { action: 'node.reboot', weight: 0, isDear: true, arrange: nothing, ownProof: proveReboot },
  ],
});
