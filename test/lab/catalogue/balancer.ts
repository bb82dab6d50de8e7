import { createDisposableNode } from '../disposable-node.ts';
import { waitUntil } from '../program.ts';
import { standOn, type DisposableStand } from './disposable-stand.ts';
import { pick } from './pick.ts';
import { defineFamily, type Arranging } from './scenario.ts';

const CONFIG = `global
  stats socket /run/haproxy/admin.sock mode 600 level admin
  server-state-file /var/lib/haproxy/server-state
  pidfile /run/haproxy.pid
defaults
  mode http
  timeout connect 2s
  timeout client 20s
  timeout server 20s
  load-server-state-from-file global
frontend web
  bind 127.0.0.1:8080
  default_backend sites
backend sites
  option httpchk GET /
  default-server check inter 500ms fall 3 rise 1
  server web1 127.0.0.1:8101 weight 10
  server web2 127.0.0.1:8101 weight 20
  server web3 127.0.0.1:8101 weight 30
`;
const SITE = `import { createServer } from 'node:http';
createServer((_, response) => response.end('x')).listen(8101, '127.0.0.1', () => console.log('listening'));
`;
const SERVERS = ['web1', 'web2', 'web3'] as const;

/** Administrative state and weight, as HAProxy itself says them. */
async function serversOf(ask: (command: string) => Promise<string>): Promise<readonly (readonly [string, string])[]> {
  const rows = (await ask('show servers state')).split('\n').filter((line) => /^\d+ \S+ \d+ \S+ /.test(line));
  return rows.map((line) => {
    const [, backend = '', , server = '', , , admin = '', userWeight = ''] = line.split(' ');
    return [`server:${backend}/${server}`, `admin ${admin} weight ${userWeight}`] as const;
  });
}

async function stand(): Promise<DisposableStand> {
  const node = await createDisposableNode({ name: 'cat-balancer' });
  await node.writeFile('/etc/haproxy/haproxy.cfg', CONFIG);
  await node.writeFile('/srv/site.mjs', SITE);
  await node.mustRun('/usr/bin/mkdir', ['-p', '/run/haproxy', '/var/lib/haproxy']);
  await (await node.spawn(process.execPath, ['/srv/site.mjs'])).waitForOutput('listening');
  await node.spawn('/usr/sbin/haproxy', ['-W', '-db', '-f', '/etc/haproxy/haproxy.cfg']);
  const ask = async (command: string): Promise<string> =>
    (await node.mustRun('/usr/bin/socat', ['-', 'UNIX-CONNECT:/run/haproxy/admin.sock'], { input: `${command}\n` }))
      .stdout;
  await waitUntil('HAProxy', () => node.exists('/run/haproxy/admin.sock'));
  await waitUntil('its servers', async () => (await ask('show stat')).split(',UP,').length === SERVERS.length + 1);
  // The file of the states comes with the first change and stays.
  const made = await standOn(node, {
    things: () => serversOf(ask),
    leftOut: [
      {
        paths: /^\/var\/lib\/haproxy\/server-state$/,
        why: 'seconds are in it; states and weights are asked of HAProxy',
      },
    ],
  });
  for (const weight of [11, 10])
    await made.orders.ask({
      do: 'apply',
      action: 'balancer.weight',
      args: { backend: 'sites', server: 'web1', weight },
    });
  return made;
}

type Wants = Arranging<DisposableStand>;
const one = ({ random }: Wants): { backend: string; server: string } => ({
  backend: 'sites',
  server: pick(random, SERVERS),
});

export const BALANCER = defineFamily<DisposableStand>({
  name: 'balancer',
  stand,
  resources: { 'balancer.server': (id) => ({ shows: [`server:${id}`] }) },
  tasks: {},
  scenarios: [
    { action: 'balancer.drain', weight: 15, arrange: (wants) => Promise.resolve(one(wants)) },
    {
      action: 'balancer.maint',
      weight: 30,
      arrange: (wants) => Promise.resolve({ ...one(wants), atLeast: wants.random.below(3) }),
    },
    {
      action: 'balancer.ready',
      weight: 20,
      async arrange(wants) {
        const place = one(wants);
        await wants.first(pick(wants.random, ['balancer.maint', 'balancer.drain']), place);
        return place;
      },
    },
    {
      action: 'balancer.weight',
      weight: 30,
      arrange: (wants) => Promise.resolve({ ...one(wants), weight: 31 + wants.random.below(200) }),
    },
    { action: 'balancer.list', arrange: () => Promise.resolve({}) },
  ],
});
