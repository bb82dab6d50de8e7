import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDisposableNode, type DisposableNode } from './disposable-node.ts';
import { requestHttp } from './http-request.ts';
import { createLabNetwork, type LabNetwork } from './lab-network.ts';
import { describeLabTraces } from './lab-traces.ts';
import { forwardIntoLab, forwardOutOfLab } from './port-forward.ts';
import { labRequirements } from './requirements.ts';

const lab = labRequirements();

describe.skipIf(!lab.ok)('ports between the lab and this machine', () => {
  let network: LabNetwork;
  let node: DisposableNode;
  let before: string[];

  beforeAll(async () => {
    network = await createLabNetwork();
    node = await createDisposableNode({ name: 'web', network });
    before = await describeLabTraces();
  });
  afterAll(async () => {
    expect(await describeLabTraces()).toEqual(before);
    await node.destroy();
    await network.destroy();
  });

  it('show a program in the lab to this machine', async () => {
    const serve =
      "require('node:http').createServer((q, r) => r.end('from inside ' + q.url)).listen(8080, '10.213.0.1', () => console.log('listening'))";
    const server = await network.spawn(process.execPath, ['--eval', serve]);
    await server.waitForOutput('listening');
    const forward = await forwardIntoLab(network, { port: 8080 });
    const response = await fetch(`http://${forward.host}:${forward.port}/path`);
    expect(await response.text()).toBe('from inside /path');
    await forward.close();
    await server.stop();
  });

  it('show a program of this machine to the nodes, and no longer once closed', async () => {
    const server = createServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhere'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const forward = await forwardOutOfLab(network, { port: (server.address() as AddressInfo).port }, 7443);
    const url = `http://${forward.host}:7443/`;
    expect(await requestHttp(node, { url })).toMatchObject({ status: 200, body: 'here' });
    await forward.close();
    expect(await requestHttp(node, { url })).toMatchObject({ kind: 'refused' });
    server.close();
  });

  it('say why a port cannot be opened', async () => {
    const first = await forwardOutOfLab(network, { port: 1 }, 7444);
    await expect(forwardOutOfLab(network, { port: 1 }, 7444)).rejects.toThrow('Address already in use');
    await first.close();
  });
});
