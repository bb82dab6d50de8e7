import { ACTIONS, whyNoItem } from '@hauban/shared/actions';
import { CHANGE_AREAS } from '@hauban/shared/protocol';
import { expect, it } from 'vitest';
import { areasOfWish } from './wish-areas.ts';

it('knows of each action that can be wished where it writes', () => {
  const wished = [...ACTIONS].filter(([name, action]) => whyNoItem(action, name) === null).map(([name]) => name);
  expect(wished.length).toBeGreaterThan(20);
  // All areas are for what is in no list.
  expect(wished.filter((name) => areasOfWish(name) === CHANGE_AREAS)).toEqual([]);
});

it('takes any change for one of an action that only the hoster knows', () => {
  expect(areasOfWish('custom.set-motd')).toEqual(CHANGE_AREAS);
});
