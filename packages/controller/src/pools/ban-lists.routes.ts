import {
  BanListAddition,
  BanListChange,
  BanListEntriesQuery,
  BanListEntryPage,
  BanListPools,
  BanListRemoval,
  BanListRequest,
  BanListRow,
  BanLists as BanListRows,
  NoContent,
  Uuid,
} from '@hauban/shared/api';
import Type from 'typebox';
import { type HttpApp, readableOf, requesterOf } from '../http/index.ts';
import type { BanLists } from './ban-lists.service.ts';

const params = Type.Object({ banListId: Uuid });
const tags = ['ban lists'];
/** Who may read every node of every pool that has the list. */
const READ = { access: 'signed-in', needs: { right: 'read', on: 'ban-list' } } as const;
/** Who may ban on every one of them. */
const CHANGE = { access: 'operator', needs: { right: 'action', on: 'ban-list' } } as const;
const OWN = { access: 'owner', needs: { right: 'admin', on: 'fleet' } } as const;

export interface BanListRouteParts {
  readonly banLists: BanLists;
  readonly poolMembers: (poolId: string) => Promise<readonly string[] | null>;
}

function readRoutes(app: HttpApp, { banLists, poolMembers }: BanListRouteParts): void {
  app.get(
    '/api/ban-lists',
    {
      config: { access: 'signed-in', needs: { right: 'read', on: 'list' } },
      schema: { summary: 'Ban lists of pools whose nodes the caller may read', tags, response: { 200: BanListRows } },
    },
    async (request) => {
      const [all, readable] = [await banLists.all(), readableOf(request)];
      if (readable === null) return all;
      const shown: BanListRow[] = [];
      for (const row of all) {
        const nodeIds = (await Promise.all(row.pools.map(({ id }) => poolMembers(id)))).flatMap((ids) => ids ?? []);
        const seen = await readable(nodeIds);
        if (nodeIds.length > 0 && nodeIds.every((id) => seen.has(id))) shown.push(row);
      }
      return shown;
    },
  );
  app.get(
    '/api/ban-lists/:banListId',
    { config: READ, schema: { summary: 'A ban list', tags, params, response: { 200: BanListRow } } },
    async (request) => banLists.need(request.params.banListId),
  );
  app.get(
    '/api/ban-lists/:banListId/entries',
    {
      config: READ,
      schema: {
        summary: 'What is on it, page by page, or what of it is about an address',
        tags,
        params,
        querystring: BanListEntriesQuery,
        response: { 200: BanListEntryPage },
      },
    },
    async (request) => banLists.entries(request.params.banListId, request.query),
  );
}

function ownerRoutes(app: HttpApp, { banLists }: BanListRouteParts): void {
  app.post(
    '/api/ban-lists',
    { config: OWN, schema: { summary: 'Make a ban list', tags, body: BanListRequest, response: { 200: BanListRow } } },
    async (request) => banLists.need(await banLists.make(request.body, requesterOf(request))),
  );
  app.put(
    '/api/ban-lists/:banListId/pools',
    {
      config: OWN,
      schema: {
        summary: 'Say which pools have it; where it is no more, what it banned is lifted',
        tags,
        params,
        body: BanListPools,
        response: { 200: BanListRow },
      },
    },
    async (request) => {
      await banLists.bind(request.params.banListId, request.body.pools, requesterOf(request));
      return banLists.need(request.params.banListId);
    },
  );
  app.delete(
    '/api/ban-lists/:banListId',
    {
      config: OWN,
      schema: { summary: 'Delete a ban list; what it banned is lifted', tags, params, response: { 200: NoContent } },
    },
    async (request) => {
      await banLists.remove(request.params.banListId, requesterOf(request));
      return {};
    },
  );
}

/** Ban lists: what all nodes of some pools ban. */
export function banListRoutes(app: HttpApp, parts: BanListRouteParts): void {
  const { banLists } = parts;
  readRoutes(app, parts);
  ownerRoutes(app, parts);
  app.post(
    '/api/ban-lists/:banListId/entries',
    {
      config: CHANGE,
      schema: {
        summary: 'Put addresses and prefixes onto a ban list, or replace it by them',
        tags,
        params,
        body: BanListAddition,
        response: { 200: BanListChange },
      },
    },
    async (request) => banLists.add(request.params.banListId, request.body, requesterOf(request)),
  );
  app.post(
    '/api/ban-lists/:banListId/removals',
    {
      config: CHANGE,
      schema: {
        summary: 'Take addresses and prefixes off a ban list',
        tags,
        params,
        body: BanListRemoval,
        response: { 200: BanListChange },
      },
    },
    async (request) => banLists.take(request.params.banListId, request.body, requesterOf(request)),
  );
}
