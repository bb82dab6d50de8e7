import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAgentMessage, parseControllerMessage } from '@hauban/shared/protocol';
import { FakeClock } from '@hauban/shared/testing';
import { FakeAgent } from '../support/fake-agent.ts';
import { FakeController } from '../support/fake-controller.ts';
import { FakeNode, STATUS } from '../support/fake-node.ts';
import { waitFor } from '../support/wait-for.ts';

let clock: FakeClock;
let controller: FakeController;
let agent: FakeAgent;

beforeEach(async () => {
  clock = new FakeClock();
  controller = await FakeController.start({ clock });
  agent = await FakeAgent.start(controller, { clock });
  await waitFor('the link', () => agent.node.isUp && controller.told.ready.length > 0);
});
afterEach(async () => {
  await agent.stop();
  await controller.stop();
});

const link = () => controller.told.ready.at(-1)!;
const told = () => controller.told.changedAreas;
const change = (area: 'apache' | 'users'): void => agent.watched?.events.changed(area);
async function ask(...areas: string[]): Promise<void> {
  link().watchAreas(areas);
  await waitFor('the watch', () => (agent.watched?.areas.join() ?? '') === [...areas].toSorted().join());
}

describe('changes of configuration over the link', () => {
  it('AREA1 are not watched before the controller asks, and no more when it asks for none', async () => {
    expect(agent.watched).toBeNull();
    await ask('users', 'apache');
    await ask('apache');
    await ask();
    expect(agent.watched).toBeNull();
  });

  it('AREA1 an area of a newer controller is left out, the others are watched', async () => {
    link().watchAreas(['teapots', 'apache']);
    await waitFor('the watch', () => agent.watched !== null);
    expect(agent.watched?.areas).toEqual(['apache']);
    expect(agent.keeper.phase).toBe('online');
  });

  it('AREA2 10,000 changes are one message in 10 s, with the age of the first, no name and no content', async () => {
    await ask('apache', 'users');
    change('apache');
    clock.advance(500);
    for (let times = 0; times < 10_000; times += 1) change('apache');
    change('users');
    clock.advance(1_500);
    await waitFor('the message', () => told().length === 1);
    expect(told()).toEqual([{ apache: 2_000, users: 1_500 }]);
    for (let second = 0; second < 10; second += 1) {
      for (let times = 0; times < 1_000; times += 1) change('apache');
      clock.advance(1_000);
    }
    await waitFor('the second message', () => told().length === 2);
    expect(told()[1]).toEqual({ apache: 10_000 });
  });

  it('AREA2 a change without a link is said on the next one, with its age', async () => {
    await ask('apache');
    controller.cutAll();
    await waitFor('the loss', () => agent.keeper.phase === 'waiting');
    change('apache');
    const before = controller.told.statuses.length;
    await waitFor('the next link', () => {
      clock.advance(1_000);
      return agent.node.isUp && controller.told.statuses.length > before;
    });
    await waitFor('the message', () => {
      clock.advance(1_000);
      return told().length === 1;
    });
    expect(told()[0]?.['apache']).toBeGreaterThanOrEqual(2_000);
  });

  it('AREA2 a watch that fails is said in the log once, however many folders have no room', async () => {
    await ask('apache');
    for (let times = 0; times < 50; times += 1) agent.watched?.events.failed(new Error('ENOSPC'));
    expect(agent.log.filter(({ message }) => message.includes('max_user_watches'))).toHaveLength(1);
    change('apache');
    clock.advance(2_000);
    await waitFor('the message', () => told().length === 1);
  });

  it('AREA2 a folder that was replaced is watched anew, after what it changed was said', async () => {
    await ask('apache');
    const first = agent.watched;
    agent.watched?.events.replaced();
    change('apache');
    clock.advance(2_000);
    await waitFor('another watch', () => agent.watched !== null && agent.watched !== first);
    expect(told()).toHaveLength(1);
  });

  it('AREA3 a message that is malformed closes 4400 and is not taken', async () => {
    for (const areas of [{ '/etc/passwd': 1 }, { apache: -1 }, { apache: 90_000_000 }, { apache: 'now' }, ['apache']]) {
      const node = await FakeNode.connect(controller);
      node.say(STATUS);
      node.say({ ...{ t: 'areas.changed' }, ...{ areas } });
      expect(await node.peer.ended, JSON.stringify(areas)).toMatchObject({ code: 4400 });
    }
    expect(told()).toEqual([]);
  });

  it('FRAME6 a side that does not know these messages ignores them', () => {
    for (const parse of [parseAgentMessage, parseControllerMessage])
      expect(parse(JSON.stringify({ t: 'areas.of-a-newer-side' }))).toMatchObject({ ok: 'unknown-type' });
  });
});
