import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import fastifyStatic from '@fastify/static';
import { HaubanError, toErrorBody } from '@hauban/shared/errors';
import type { FastifyInstance } from 'fastify';

/** All files of the built page as URL paths; what is not in this list is never looked for on the disk. */
function listFiles(uiDir: string): ReadonlySet<string> {
  const entries = readdirSync(uiDir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.'));
  return new Set(files.map((entry) => `/${relative(uiDir, join(entry.parentPath, entry.name))}`));
}

/**
 * The built web interface. Any other path that a browser opens gets the page, which finds its own way from there;
 * below /api, and for a name that looks like a file, there is only 404. (`/run/firewall.ban` looks like one, too: there
 * it counts that a person's browser asks for a page, by `Accept`.)
 * @param uiDir null or without an index.html: no page in this process
 */
export async function serveUi(app: FastifyInstance, uiDir: string | null): Promise<void> {
  const files = uiDir !== null && existsSync(join(uiDir, 'index.html')) ? listFiles(uiDir) : new Set<string>();
  if (uiDir !== null && files.size > 0) {
    await app.register(fastifyStatic, {
      root: uiDir,
      serve: false,
      cacheControl: false,
      setHeaders: (response, path) => {
        // Vite puts a hash of the content into the names of files below assets/.
        const isHashed = path.includes('/assets/');
        response.setHeader('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
  }
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '/';
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (isRead && files.has(path)) return reply.sendFile(path);
    const isFileName = /\.[a-z0-9]{1,8}$/i.test(path) && request.headers.accept?.includes('text/html') !== true;
    const isPage = isRead && files.size > 0 && !/^\/api(?:\/|$)/.test(path) && !isFileName;
    if (isPage) return reply.sendFile('index.html');
    const error = new HaubanError('NOT_FOUND', 'There is nothing at this address.');
    return reply.code(404).type('application/json').send(toErrorBody(error, request.id));
  });
}
