import { ACCOUNT, fetchPage, NEIGHBOUR, putPage, standHostingNode } from '../actions/hosting-node.ts';
import { standOn, type DisposableStand } from './disposable-stand.ts';
import { pick, word } from './pick.ts';
import { defineFamily, type Arranging, type Claim } from './scenario.ts';
import { exactly, fileBelow } from './paths.ts';

/** Accounts, their sites and their PHP, on a node with Apache and two versions of PHP. */

const { name, domain } = ACCOUNT;
const VERSIONS = ['8.2', '8.4'] as const;
const INCOMING = '/etc/hosting/tls/incoming';
const CA = '/etc/lab-ca';
/** A site that somebody has written with an editor. */
const HAND_SITE = 'hand.example.net';
const HAND_FILE = '/etc/apache2/sites-enabled/zz-hand.conf';
const BY_HAND = `site:${HAND_SITE}`;

type Wants = Arranging<DisposableStand>;

async function stand(): Promise<DisposableStand> {
  const hosting = await standHostingNode({ name: 'cat-hosting', phpRoots: ['8.4'] });
  const { node } = hosting;
  // Answered by the default site, until Apache has loaded one of that name.
  const byHand = async () => [[BY_HAND, String((await fetchPage(node, HAND_SITE)).status)] as const];
  const made = await standOn(node, { things: byHand });
  for (const args of [NEIGHBOUR, ACCOUNT]) {
    const { result } = await made.orders.ask({ do: 'apply', action: 'account.create', args });
    if (result.outcome !== 'succeeded') throw new Error(result.detail);
  }
  // For sshd's own test of its configuration.
  await node.mustRun('/usr/bin/mkdir', ['-p', '/run/sshd']);
  await putPage(node, ACCOUNT, 'style.css', 'body{}');
  await node.mustRun('/usr/bin/mkdir', ['-p', '-m', '0700', `${INCOMING}/${domain}`, CA]);
  await node.mustRun('/usr/bin/chmod', ['0755', '/etc/hosting', '/etc/hosting/tls']);
  await node.mustRun('/usr/bin/openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '300', '-subj', '/CN=Lab authority'],
    ...['-keyout', `${CA}/ca.key`, '-out', `${CA}/ca.pem`],
  ]);
  return made;
}

/** A certificate in the incoming folder, signed by the lab's own authority. */
async function bringCertificate({ stand: { node }, random, atEnd }: Wants): Promise<void> {
  const [chain, key] = [`${INCOMING}/${domain}/fullchain.pem`, `${INCOMING}/${domain}/privkey.pem`];
  atEnd(() => node.mustRun('/usr/bin/rm', ['-f', chain, key]));
  await node.mustRun('/usr/bin/openssl', [
    ...[
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      String(40 + random.below(300)),
    ],
    ...[
      '-subj',
      `/CN=${domain}`,
      '-addext',
      `subjectAltName=DNS:${domain}`,
      '-addext',
      'basicConstraints=critical,CA:FALSE',
    ],
    ...['-CA', `${CA}/ca.pem`, '-CAkey', `${CA}/ca.key`, '-keyout', key, '-out', chain],
  ]);
  await node.writeFile(chain, (await node.readFile(chain)) + (await node.readFile(`${CA}/ca.pem`)));
  await node.mustRun('/usr/bin/chmod', ['0600', key, chain]);
}

const newAccount = ({ random }: Wants) => {
  const own = `w4b${100_000 + random.below(899_999)}`;
  return {
    name: own,
    domain: `${word(random)}.example.net`,
    phpVersion: pick(random, VERSIONS),
    uid: 200_000 + random.below(90_000),
  };
};
const newSite = ({ random }: Wants) => ({
  account: name,
  domain: `${word(random)}.example.org`,
  ...(random.below(2) === 0 ? { aliases: [`www.${word(random)}.example.org`] } : {}),
  ...(random.below(2) === 0 ? { docroot: `${word(random)}/public` } : {}),
});
const blockArgs = ({ random }: Wants) => ({
  account: name,
  domain,
  path: pick(random, ['xmlrpc.php', 'wp-login.php', `admin/${word(random)}.php`]),
  ...(random.below(2) === 0 ? { allow: [`198.51.100.${1 + random.below(250)}`] } : {}),
});
const limitArgs = ({ random }: Wants) => ({
  account: name,
  memoryMiB: 64 + random.below(900),
  executionS: 30 + random.below(200),
  uploadMiB: 5 + random.below(40),
  postMiB: 50 + random.below(100),
});

async function keysOf({ stand: { node }, random }: Wants): Promise<object> {
  const keys: string[] = [];
  for (let count = 1 + random.below(2); count > 0; count -= 1) {
    await node.mustRun('/usr/bin/ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', word(random), '-f', '/tmp/key']);
    keys.push((await node.readFile('/tmp/key.pub')).trim());
    await node.mustRun('/usr/bin/rm', ['/tmp/key', '/tmp/key.pub']);
  }
  return { name, keys };
}

const SPOILT = ['a.php', 'b.html', 'in/c.css', '.env'] as const;

/** Wrong modes and owners; no set-id bits, which by the action's docs never come back. */
async function spoil({ stand: { node }, random, atEnd }: Wants): Promise<object> {
  const folder = `/srv/vol1/${name}/var/www/${word(random)}`;
  await node.mustRun('/usr/bin/mkdir', ['-p', `${folder}/in`]);
  atEnd(() => node.mustRun('/usr/bin/rm', ['-r', folder]));
  for (const file of SPOILT) await node.writeFile(`${folder}/${file}`, word(random));
  await node.mustRun('/usr/bin/chown', [
    '-R',
    pick(random, [`${ACCOUNT.uid}:${ACCOUNT.uid}`, '33:33', `${ACCOUNT.uid}:0`]),
    folder,
  ]);
  await node.mustRun('/usr/bin/chmod', ['-R', pick(random, ['0777', '0700', 'g+w', 'o+w']), folder]);
  return {
    name,
    path: `var/www/${folder.split('/').at(-1) ?? ''}`,
    ...(random.below(2) === 0 ? { directories: '0750', files: '0640' } : {}),
  };
}

const home = (id: string): Claim => {
  const [account = ''] = id.split('/');
  return {
    shows: [`path:/srv/vol1/${account}`],
    touches: [fileBelow(`/srv/vol1/${account}`), fileBelow('/srv/vol1/.trash')],
  };
};
const USER_FILES = [/^path:\/etc\/(?:passwd|group|shadow|gshadow)$/];
const user = (id: string): Claim => ({ shows: [`user:${id}`], touches: USER_FILES });
const folderOf = ({ name: account, path }: { readonly name: string; readonly path: string }): Claim => ({
  shows: SPOILT.map((file) => `path:/srv/vol1/${account}/${path}/${file}`),
  touches: [fileBelow(`/srv/vol1/${account}/${path}`)],
});
const nothing = (): Promise<object> => Promise.resolve({});

async function editByHand({ stand: { node, orders }, random, atEnd }: Wants): Promise<object> {
  atEnd(async () => {
    await node.mustRun('/usr/bin/rm', ['-f', HAND_FILE]);
    await orders.ask({ do: 'apply', action: 'apache.reload', args: {} });
  });
  const gone = `Redirect gone /\n# ${word(random)}`;
  await node.writeFile(HAND_FILE, `<VirtualHost *:80>\nServerName ${HAND_SITE}\n${gone}\n</VirtualHost>\n`);
  return {};
}

const TOOLS = ['/bin/sh', '/bin/cat', '/bin/ls', '/bin/true', '/bin/grep', '/usr/bin/env'];
const jailArgs = ({ random }: Wants) => ({
  name,
  programs: TOOLS.slice(0, 1 + random.below(TOOLS.length)),
  devices: ['null', 'zero', 'random', 'urandom', 'tty'].slice(random.below(5)),
});

export const HOSTING = defineFamily<DisposableStand>({
  name: 'hosting',
  stand,
  resources: {
    'account.entry': user,
    'account.expiry': user,
    'account.shell': user,
    'account.home': home,
    'account.jail-file': (id) => ({ shows: [`path:/srv/vol1/${id}`] }),
    'account.jail-device': (id) => ({ shows: [`path:/srv/vol1/${id.replace('/', '/dev/')}`] }),
    'web.docroot': (id) => ({ shows: [`path:/srv/vol1/${id.replace('/', '/var/www/')}`] }),
    'tls.version': (id) => ({ shows: [], touches: [fileBelow(`/etc/hosting/tls/${id.split('/')[0] ?? ''}`)] }),
  },
  tasks: { 'account.fix-permissions': folderOf },
  scenarios: [
    { action: 'account.create', weight: 0, isDear: true, arrange: (wants) => Promise.resolve(newAccount(wants)) },
    {
      action: 'account.create-many',
      weight: 0,
      isDear: true,
      arrange: (wants) => Promise.resolve({ accounts: [newAccount(wants), newAccount(wants)] }),
    },
    {
      // Of the newest account: brought back, its lines are the last of their files again.
      action: 'account.delete',
      weight: 0,
      isDear: true,
      async arrange(wants) {
        const args = newAccount(wants);
        await wants.first('account.create', args);
        return { name: args.name };
      },
    },
    { action: 'account.fix-permissions', weight: 8, arrange: spoil },
    { action: 'account.set-ssh-keys', weight: 8, arrange: keysOf },
    { action: 'account.make-jail', isDear: true, weight: 1, arrange: (wants) => Promise.resolve(jailArgs(wants)) },
    {
      action: 'account.remove-jail',
      isDear: true,
      weight: 1,
      async arrange(wants) {
        await wants.first('account.make-jail', jailArgs(wants));
        return { name };
      },
    },
    {
      action: 'account.suspend',
      weight: 0,
      isDear: true,
      arrange: ({ random }) => Promise.resolve({ name, reason: pick(random, ['abuse', 'payment']) }),
    },
    {
      action: 'account.unsuspend',
      weight: 0,
      isDear: true,
      async arrange({ first }) {
        await first('account.suspend', { name, reason: 'abuse' });
        return { name };
      },
    },
    {
      action: 'apache.reload',
      isDear: true,
      weight: 1,
      stays: 'the files are those of whoever edited them: undo touches nothing, and says so',
      alsoChanges: [{ names: exactly(BY_HAND), why: 'what Apache serves, which is the reload itself' }],
      arrange: editByHand,
    },
    {
      action: 'apache.restart',
      weight: 0,
      isDear: true,
      eachTime: 'another master each time; there is nothing to undo',
      arrange: nothing,
    },
    { action: 'php.set-limits', isDear: true, weight: 1, arrange: (wants) => Promise.resolve(limitArgs(wants)) },
    {
      action: 'php.switch-version',
      isDear: true,
      weight: 1,
      arrange: () => Promise.resolve({ account: name, version: '8.4' }),
    },
    { action: 'site.create', weight: 1, arrange: (wants) => Promise.resolve(newSite(wants)) },
    {
      action: 'site.update',
      isDear: true,
      weight: 1,
      arrange: ({ random }) => Promise.resolve({ account: name, domain, aliases: [`${word(random)}.example.com`] }),
    },
    {
      action: 'site.remove',
      weight: 0,
      isDear: true,
      async arrange(wants) {
        const { docroot: _docroot, ...args } = newSite(wants);
        await wants.first('site.create', args);
        return { account: args.account, domain: args.domain };
      },
    },
    { action: 'site.block-path', isDear: true, weight: 1, arrange: (wants) => Promise.resolve(blockArgs(wants)) },
    {
      action: 'site.unblock-path',
      isDear: true,
      weight: 1,
      async arrange(wants) {
        const args = blockArgs(wants);
        await wants.first('site.block-path', args);
        return { account: name, domain, path: args.path };
      },
    },
    {
      action: 'tls.install',
      isDear: true,
      weight: 1,
      async arrange(wants) {
        await bringCertificate(wants);
        return { domain };
      },
    },
    {
      action: 'state.apply',
      isDear: true,
      weight: 1,
      async arrange(wants) {
        const items = [
          { action: 'site.create', args: newSite(wants) },
          { action: 'account.set-ssh-keys', args: await keysOf(wants) },
          { action: 'firewall.ban', args: { targets: [`45.9.${wants.random.below(250)}.1`], durationS: 86_400 } },
        ];
        return { items: items.slice(wants.random.below(3)) };
      },
    },
    {
      action: 'state.compare',
      arrange: (wants) => Promise.resolve({ items: [{ action: 'site.create', args: newSite(wants) }] }),
    },
    { action: 'site.preflight', arrange: () => Promise.resolve({ account: name, domain }) },
    { action: 'certificate.scan', arrange: nothing },
  ],
});
