// Keeps a machine moderately busy for a recording: processor, disk, loopback connections, memory, processes.
// Runs until its parent goes away (stdin ends). Prints nothing.
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'hauban-load-'));
const server = createServer((socket) => socket.pipe(socket));
server.listen(0, '127.0.0.1');
const held = [];
const random = (below) => Math.floor(Math.random() * below);

const steps = [
  () => {
    const data = randomBytes(1 << 20);
    for (let i = 0; i < random(12); i += 1) createHash('sha256').update(data).digest();
  },
  async () => {
    const file = await open(join(folder, `f${random(20)}`), 'w');
    await file.writeFile(randomBytes(random(2 << 20)));
    if (random(3) === 0) await file.sync();
    await file.close();
  },
  () => {
    const socket = connect(server.address().port, '127.0.0.1');
    socket.on('error', () => socket.destroy());
    socket.write(randomBytes(random(200_000)));
    socket.resume();
    setTimeout(() => socket.destroy(), random(4000));
  },
  () => {
    held.push(randomBytes(random(4 << 20)));
    if (held.length > 20) held.splice(0, random(15));
  },
  () => execFile('/bin/true', () => undefined),
];

const timer = setInterval(() => steps[random(steps.length)](), 20);
process.stdin.resume();
process.stdin.on('end', () => {
  clearInterval(timer);
  server.close();
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
