import { RecordingChunks, SessionPage, SessionQuery, Uuid } from '@hauban/shared/api';
import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import { callerOf, readableOf, type HttpApp } from '../http/index.ts';
import type { RecordingReader, RecordingsService } from './recordings.service.ts';

const tags = ['recordings'];
const SessionParams = Type.Object({ sessionId: Uuid });

/** Asks for the next piece only when the one before has gone out. */
function streamOf(text: AsyncIterable<string>): ReadableStream<Uint8Array> {
  const pieces = text[Symbol.asyncIterator]();
  return new ReadableStream({
    pull: async (controller) => {
      const next = await pieces.next();
      if (next.done === true) controller.close();
      else controller.enqueue(new TextEncoder().encode(next.value));
    },
    cancel: async () => void (await pieces.return?.()),
  });
}

const readerOf = (request: FastifyRequest): RecordingReader => ({ name: callerOf(request).name, address: request.ip });

export function recordingRoutes(app: HttpApp, { recordings }: { readonly recordings: RecordingsService }): void {
  app.get(
    '/api/recordings',
    {
      config: { access: 'signed-in', needs: { right: 'read', on: 'list' } },
      schema: {
        summary: 'Recorded shells, newest first',
        tags,
        querystring: SessionQuery,
        response: { 200: SessionPage },
      },
    },
    async (request) => recordings.list(request.query, readableOf(request)),
  );
  app.get(
    '/api/recordings/:sessionId/cast',
    {
      config: { access: 'signed-in', needs: { right: 'read', on: 'session' } },
      schema: {
        summary: 'A recording as asciicast v3; reading it is written to the audit log',
        tags,
        params: SessionParams,
        response: { 200: Type.String({ description: 'asciicast v3: one JSON value a line' }) },
      },
    },
    async (request, reply) => {
      const text = await recordings.cast(request.params.sessionId, readerOf(request));
      reply.type('application/x-asciicast; charset=utf-8');
      // The schema speaks of the whole text; it goes out piece by piece.
      return reply.send(streamOf(text) as unknown as string);
    },
  );
  app.get(
    '/api/recordings/:sessionId/chunks',
    {
      config: { access: 'signed-in', needs: { right: 'read', on: 'session' } },
      schema: {
        summary: 'The signed chunks of a recording, for an offline check',
        tags,
        params: SessionParams,
        response: { 200: RecordingChunks },
      },
    },
    async (request) => recordings.chunks(request.params.sessionId, readerOf(request)),
  );
}
