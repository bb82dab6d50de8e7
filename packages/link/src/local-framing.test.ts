import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS, LOCAL_LIMIT_BYTES } from '@hauban/shared/protocol';
import { createLocalConnection, type LocalConnection } from './local-connection.ts';
import { createLocalReader, encodeLocalFrame } from './local-framing.ts';

describe('local frames', () => {
  it('come out as they went in, whatever the pieces', () => {
    const frame = fc.record({ kind: fc.constantFrom(1 as const, 2 as const), body: fc.uint8Array({ maxLength: 300 }) });
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        (frames, cuts) => {
          const stream = Buffer.concat(frames.map(({ kind, body }) => encodeLocalFrame(kind, body)));
          const reader = createLocalReader();
          const seen: { kind: number; body: string }[] = [];
          for (let at = 0, i = 0; at < stream.length; i += 1) {
            const end = at + (cuts[i % cuts.length] ?? 1);
            const read = reader.push(stream.subarray(at, end));
            if (!read.ok) throw new Error(read.problem);
            for (const one of read.frames) seen.push({ kind: one.kind, body: Buffer.from(one.body).toString('hex') });
            at = end;
          }
          expect(seen).toEqual(frames.map(({ kind, body }) => ({ kind, body: Buffer.from(body).toString('hex') })));
        },
      ),
    );
  });

  it.each([
    ['a length of 0', [0, 0, 0, 0, 1]],
    ['a length beyond the limit', [255, 255, 255, 255, 1]],
    ['one byte beyond the limit', [...new Uint8Array(new Uint32Array([LOCAL_LIMIT_BYTES + 1]).buffer).reverse(), 1]],
    ['an unknown kind', [0, 0, 0, 2, 9]],
  ])('with %s are refused before anything is kept, and so is all that follows', (_name, header) => {
    const reader = createLocalReader();
    expect(reader.push(Uint8Array.from(header)).ok).toBe(false);
    expect(reader.push(encodeLocalFrame(1, new Uint8Array(3))).ok).toBe(false);
  });

  it('larger than the limit cannot be made', () => {
    expect(() => encodeLocalFrame(1, new Uint8Array(LOCAL_LIMIT_BYTES))).toThrow(RangeError);
    expect(encodeLocalFrame(1, new Uint8Array(LOCAL_LIMIT_BYTES - 1)).length).toBe(LOCAL_LIMIT_BYTES + 4);
  });
});

interface Side {
  readonly connection: LocalConnection;
  readonly seen: Buffer[];
  readonly ended: Promise<string | null>;
}

/** A connected pair over a real Unix socket. */
async function connectPair(run: (client: Side, server: Side) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'hauban-local-'));
  const path = join(folder, 's');
  const side = (socket: Socket): Side => {
    const seen: Buffer[] = [];
    let resolve: (problem: string | null) => void = () => undefined;
    const ended = new Promise<string | null>((done) => {
      resolve = done;
    });
    const connection = createLocalConnection(socket, {
      frame: ({ body }) => seen.push(Buffer.from(body)),
      ended: (problem) => resolve(problem),
    });
    return { connection, seen, ended };
  };
  const server = createServer();
  const accepted = new Promise<Side>((resolve) => server.once('connection', (socket) => resolve(side(socket))));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const client = side(connect(path));
  const other = await accepted;
  try {
    await run(client, other);
  } finally {
    client.connection.destroy();
    other.connection.destroy();
    await Promise.all([client.ended, other.ended]);
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  }
}

describe('a local connection', () => {
  it('carries frames both ways and ends in order', async () => {
    await connectPair(async (client, server) => {
      client.connection.sendJson({ t: 'sync' });
      client.connection.send(2, new Uint8Array([1, 2, 3]));
      client.connection.end();
      await expect(server.ended).resolves.toBeNull();
      expect(server.seen.map(String)).toEqual(['{"t":"sync"}', '\u0001\u0002\u0003']);
      await expect(client.ended).resolves.toBeNull();
      expect(client.connection.send(1, new Uint8Array(1))).toBe('closed');
    });
  });

  it('tells the producer to stop while the other side does not read, and when to go on', async () => {
    await connectPair(async (client, server) => {
      server.connection.pause();
      let outcome = client.connection.send(2, new Uint8Array(200_000));
      let sent = 1;
      while (outcome === 'sent') {
        outcome = client.connection.send(2, new Uint8Array(200_000));
        sent += 1;
      }
      expect(outcome).toBe('stop');
      const drained = new Promise<void>((resolve) => client.connection.onceDrained(resolve));
      server.connection.resume();
      await drained;
      client.connection.end();
      await server.ended;
      expect(server.seen).toHaveLength(sent);
    });
  });

  it('ends when the other side never reads: what waits for it has a limit', async () => {
    await connectPair(async (client, server) => {
      server.connection.pause();
      const body = new Uint8Array(1024 * 1024);
      // Twice the limit: what the kernel holds of it is far less.
      for (let sent = 0; sent < 2 * LIMITS.bufferCloseBytes; sent += body.length)
        if (client.connection.send(2, body) === 'closed') break;
      expect(client.connection.send(2, body)).toBe('closed');
      await expect(client.ended).resolves.toBe('the other side does not read');
    });
  });

  it('ends when the other side sends what is no frame', async () => {
    await connectPair(async (client, server) => {
      const raw = client.connection as unknown as { send(kind: number, body: Uint8Array): string };
      raw.send(77, new Uint8Array(1));
      await expect(server.ended).resolves.toMatch(/unknown kind 77/);
    });
  });
});
