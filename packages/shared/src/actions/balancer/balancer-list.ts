import Type from 'typebox';
import { defineAction } from '../define-action.ts';

const Args = Type.Object({}, { additionalProperties: false });

export const balancerList = defineAction({
  name: 'balancer.list',
  version: 1,
  title: 'List servers of the balancer',
  docs: `Lists the servers of HAProxy by backend: ready, draining or in maintenance, up or down, weight, requests that they serve now. Changes nothing.`,
  risk: 'low',
  roles: ['loadbalancer'],
  needsRoot: true,
  readOnly: true,
  args: Args,
  filledIn: [],
  timeoutMs: 30_000,
  programs: [],
  locks: () => [],
  async plan(host) {
    const { servers, isKept } = await host.queries.ask('balancer.servers', {});
    return { ok: true, changes: [], notes: [], data: { servers, isKept } };
  },
  verify: () => Promise.resolve([]),
});
