import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import fastifyStatic from '@fastify/static';
import { HaubanError, toErrorBody } from '@hauban/shared/errors';
import type { FastifyInstance } from 'fastify';
import { allowStyles } from './security-headers.ts';

/** Stands in index.html where the nonce of each load goes. */
const NONCE_PLACE = '__STYLE_NONCE__';

/** All files of the built page as URL paths; what is not in this list is never looked for on the disk. */
function listFiles(uiDir: string): ReadonlySet<string> {
  const entries = readdirSync(uiDir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.'));
  return new Set(files.map((entry) => `/${relative(uiDir, join(entry.parentPath, entry.name))}`));
}

/** What is before and after the nonce. Read once: the names of the assets that it loads are known from the start, too. */
function loadPage(uiDir: string): readonly [string, string] {
  const [before, after, ...more] = readFileSync(join(uiDir, 'index.html'), 'utf8').split(NONCE_PLACE);
  if (before !== undefined && after !== undefined && more.length === 0) return [before, after];
  const detail = `index.html in ${uiDir} has no place for the nonce of its styles: build the web interface again.`;
  throw new HaubanError('CONFIG_BAD', detail);
}

/**
 * The built web interface. Any other path that a browser opens gets the page, which finds its own way from there;
 * below /api, and for a name that looks like a file, there is only 404. (`/run/firewall.ban` looks like one, too: there
 * it counts that a person's browser asks for a page, by `Accept`.) The page itself is made for each load, with a nonce of
 * its own, so nobody may keep it: an old one under a new policy would be without styles.
 * @param uiDir null or without an index.html: no page in this process
 */
export async function serveUi(app: FastifyInstance, uiDir: string | null, publicUrl: URL): Promise<void> {
  const files = uiDir !== null && existsSync(join(uiDir, 'index.html')) ? listFiles(uiDir) : new Set<string>();
  const page = uiDir !== null && files.size > 0 ? loadPage(uiDir) : null;
  if (uiDir !== null && page !== null) {
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
    if (isRead && files.has(path) && path !== '/index.html') return reply.sendFile(path);
    const isFileName = /\.[a-z0-9]{1,8}$/i.test(path) && request.headers.accept?.includes('text/html') !== true;
    const isPagePath = path === '/index.html' || (!/^\/api(?:\/|$)/.test(path) && !isFileName);
    if (isRead && page !== null && isPagePath) {
      reply.code(200).type('text/html; charset=utf-8').header('cache-control', 'no-store');
      return reply.send(page.join(allowStyles(reply, publicUrl)));
    }
    const error = new HaubanError('NOT_FOUND', 'There is nothing at this address.');
    return reply.code(404).type('application/json').send(toErrorBody(error, request.id));
  });
}
