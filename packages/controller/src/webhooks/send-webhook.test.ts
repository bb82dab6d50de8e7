import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@hauban/link';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createWebhookReceiver, settingsFor, type WebhookReceiver } from '../../../../test/support/webhook-receiver.ts';
import { createReceiverJudge } from './receiver-address.ts';
import type { ResolveName } from './resolve-name.ts';
import { createSendWebhook, type SendOutcome } from './send-webhook.ts';
import type { WebhookSettings } from './webhook-settings.ts';

let receiver: WebhookReceiver;
beforeEach(async () => {
  receiver = await createWebhookReceiver();
});
afterEach(() => receiver.close());

const here: ResolveName = async () => ['127.0.0.1'];
/** Time of the sender, so that a test of ten seconds does not take ten. */
const hurried = { ...systemClock, after: (ms: number, work: () => void) => systemClock.after(ms / 20, work) };

function post(
  more: {
    readonly url?: string;
    readonly settings?: Partial<WebhookSettings>;
    readonly resolve?: ResolveName;
    readonly attempt?: number;
  } = {},
): Promise<SendOutcome> {
  const settings = { ...settingsFor(receiver), ...more.settings };
  const judge = createReceiverJudge(settings);
  const send = createSendWebhook({ judge, ca: settings.ca, resolve: more.resolve ?? here, clock: hurried });
  const body = new TextEncoder().encode('{"a":1}');
  return send({ url: more.url ?? receiver.url, body, headers: { 'x-a': 'b' }, attempt: more.attempt ?? 0 });
}

it('hands over body, headers and the name that was asked for', async () => {
  expect(await post()).toEqual({ ok: true, status: 204 });
  expect(receiver.received).toMatchObject([
    { path: '/hook?key=1', body: '{"a":1}', headers: { host: `localhost:${receiver.port}`, 'x-a': 'b' } },
  ]);
});

describe('a name that leads inside', () => {
  it('is refused without a connection', async () => {
    expect(await post({ settings: { allowNetworks: [] } })).toEqual({
      ...{ ok: false, status: null },
      says: 'localhost is at 127.0.0.1, where no webhook is sent (this machine).',
    });
    expect(receiver.connections).toBe(0);
  });

  it('is refused when only one of its addresses does', async () => {
    const resolve: ResolveName = async () => ['93.184.215.14', '10.0.0.1'];
    const outcome = await post({ resolve });
    expect(outcome).toMatchObject({ ok: false, says: expect.stringContaining('10.0.0.1') as string });
  });

  it('gains nothing by meaning something else a moment later', async () => {
    // Of a sender that asks twice, the second answer would be the one that it connects to.
    const answers = ['127.0.0.1', '192.0.2.1'];
    let asked = 0;
    const resolve: ResolveName = async () => [answers[asked++] ?? '192.0.2.1'];
    expect(await post({ resolve })).toEqual({ ok: true, status: 204 });
    expect(asked).toBe(1);
  });

  it('is judged again when what is allowed has changed since the webhook was made', async () => {
    const outcome = await post({ settings: { allowPorts: [] } });
    expect(outcome).toMatchObject({ ok: false, says: expect.stringContaining('port') as string });
    expect(receiver.connections).toBe(0);
  });
});

describe('a receiver', () => {
  it('with a certificate of nobody that is believed gets nothing', async () => {
    expect(await post({ settings: { ca: null } })).toMatchObject({
      ok: false,
      says: expect.stringMatching(/^The certificate of localhost is not believed/) as string,
    });
    expect(receiver.received).toEqual([]);
  });

  it('with a certificate of another name gets nothing', async () => {
    const outcome = await post({ url: receiver.url.replace('localhost', 'billing.example') });
    expect(outcome).toMatchObject({ ok: false, says: expect.stringMatching(/not believed.*ALTNAME/) as string });
    expect(receiver.received).toEqual([]);
  });

  it('that sends elsewhere is not followed', async () => {
    receiver.answer = (response) => void response.writeHead(307, { location: 'https://169.254.169.254/' }).end();
    expect(await post()).toMatchObject({ ok: false, status: 307, says: expect.stringMatching(/redirects/) as string });
    expect(receiver.connections).toBe(1);
  });

  it('that never answers is left after the deadline', async () => {
    receiver.answer = () => undefined;
    expect(await post()).toEqual({ ok: false, status: null, says: 'No whole answer within 10 s.' });
  });

  it('that sends its headers byte by byte is left after the deadline', async () => {
    receiver.answer = (response) => {
      const drip = setInterval(() => response.socket?.write('x'), 20);
      response.socket?.on('close', () => clearInterval(drip)).on('error', () => undefined);
      response.socket?.write('HTTP/1.1 200 OK\r\nx-a: ');
    };
    expect(await post()).toMatchObject({ ok: false });
  });

  it('that answers without end is cut off, and has answered', async () => {
    let written = 0;
    receiver.answer = (response) => {
      response.writeHead(200);
      const flood = (): void => {
        while (!response.destroyed && written < 100_000_000) {
          written += 65_536;
          if (!response.write(Buffer.alloc(65_536))) return;
        }
      };
      response.on('drain', flood).on('error', () => undefined);
      flood();
    };
    expect(await post()).toEqual({ ok: true, status: 200 });
    expect(written).toBeLessThan(100_000_000);
  });

  it('that sends headers without end is refused', async () => {
    receiver.answer = (response) => void response.writeHead(200, { 'x-long': 'x'.repeat(60_000) }).end();
    expect(await post()).toMatchObject({ ok: false, says: expect.stringContaining('HPE_HEADER_OVERFLOW') as string });
  });

  it('that answers something wrong has not taken it, and its words are not kept', async () => {
    receiver.answer = (response) => void response.writeHead(500).end('<script>alert(1)</script>');
    expect(await post()).toEqual({ ok: false, status: 500, says: 'Answered 500.' });
  });

  it('is not reached by way of a proxy of the environment', async () => {
    let asked = 0;
    const proxy = createServer((socket) => {
      asked += 1;
      socket.destroy();
    });
    await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
    process.env['HTTPS_PROXY'] = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    process.env['NODE_USE_ENV_PROXY'] = '1';
    try {
      expect(await post()).toEqual({ ok: true, status: 204 });
      expect(asked).toBe(0);
    } finally {
      delete process.env['HTTPS_PROXY'];
      delete process.env['NODE_USE_ENV_PROXY'];
      proxy.close();
    }
  });

  it('of several addresses is tried at another one next time', async () => {
    const resolve: ResolveName = async () => ['127.0.0.9', '127.0.0.1'];
    expect(await post({ resolve, attempt: 0 })).toMatchObject({
      ok: false,
      says: expect.stringMatching(/ECONNREFUSED/) as string,
    });
    expect(await post({ resolve, attempt: 1 })).toEqual({ ok: true, status: 204 });
  });

  it('whose name has no address is told so', async () => {
    const resolve: ResolveName = async () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' }));
    expect(await post({ resolve })).toEqual({
      ...{ ok: false, status: null },
      says: 'The name localhost has no address (ENOTFOUND).',
    });
  });
});
