import {
  NoContent,
  ScheduleList,
  ScheduleRequest,
  ScheduleRow,
  ScheduleTimes,
  ScheduleTimesQuery,
  Uuid,
} from '@hauban/shared/api';
import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import { callerOf, readableOf, targetNodesOf, type HttpApp } from '../http/index.ts';
import type { ScheduleAsker, SchedulesService } from './schedules.service.ts';

const params = Type.Object({ scheduleId: Uuid });
const tags = ['schedules'];
const LIST = { access: 'signed-in', needs: { right: 'read', on: 'list' } } as const;
/** Whose schedule it is, the service looks at: it has no place in the fleet. */
const OWN = { access: 'operator', needs: 'none' } as const;

function askerOf(request: FastifyRequest): ScheduleAsker {
  const { personId, name, via, grant } = callerOf(request);
  const { decision } = request;
  return { id: personId, name, via, address: request.ip, grant, ...(decision === null ? {} : { decision }) };
}

/** Runs that start again and again. */
export function scheduleRoutes(app: HttpApp, { schedules }: { readonly schedules: SchedulesService }): void {
  app.get(
    '/api/schedules',
    {
      config: LIST,
      schema: {
        summary: "Schedules: the caller's own, or all for who may read the whole fleet",
        tags,
        response: { 200: ScheduleList },
      },
    },
    async (request) => schedules.list(callerOf(request).personId, readableOf(request) === null),
  );
  app.get(
    '/api/schedules/:scheduleId/times',
    {
      config: LIST,
      schema: {
        summary: 'When it will run next',
        tags,
        params,
        querystring: ScheduleTimesQuery,
        response: { 200: ScheduleTimes },
      },
    },
    async (request) => {
      const reader = { personId: callerOf(request).personId, isEverything: readableOf(request) === null };
      return schedules.times(request.params.scheduleId, reader, request.query.count);
    },
  );
  app.post(
    '/api/schedules',
    {
      config: { access: 'operator', needs: { right: 'action', on: 'nodes', approval: 'waits' } },
      schema: {
        summary: 'Make a schedule; each of its runs is judged again, by the rights of who made it',
        tags,
        body: ScheduleRequest,
        response: { 200: ScheduleRow },
      },
    },
    async (request) => {
      // What a selector means is asked again at each time; nodes that are named are those that were judged.
      const named = request.body.on === undefined ? { nodes: [...targetNodesOf(request)] } : {};
      return schedules.make({ ...request.body, ...named }, askerOf(request));
    },
  );
  for (const [verb, summary] of [
    ['pause', 'Start no further run of it'],
    ['resume', 'Go on with the next time'],
  ] as const)
    app.post(
      `/api/schedules/:scheduleId/${verb}`,
      { config: OWN, schema: { summary, tags, params, body: NoContent, response: { 200: ScheduleRow } } },
      async (request) => schedules[verb](request.params.scheduleId, askerOf(request)),
    );
  app.delete(
    '/api/schedules/:scheduleId',
    {
      config: OWN,
      schema: { summary: 'Delete a schedule; runs that it started go on', tags, params, response: { 200: NoContent } },
    },
    async (request) => {
      await schedules.remove(request.params.scheduleId, askerOf(request));
      return {};
    },
  );
}
