import { ACTIONS } from '@hauban/shared/actions';
import { QUERY_EXAMPLES, RESOURCE_EXAMPLES, TASK_EXAMPLES } from './driver-entries.ts';
import { exampleArguments } from './example-arguments.ts';
import { AS_IT_SHOULD_BE, HOSTILE_VALUES, hostileText } from './hostile-values.ts';
import { textAt, textSpots, withText, type Spot } from './text-spots.ts';

/**
 * How a hostile text comes in: as an argument of an order, or straight to a driver as if parsing and planning were
 * not there.
 */
export type Door = 'action' | 'resource.read' | 'resource.write' | 'resource.remove' | 'task' | 'query';

/** One text of one door, with all that stands beside it. */
export interface Place {
  readonly door: Door;
  /** Name of the action, resource, task or question. */
  readonly name: string;
  readonly input: unknown;
  readonly spot: Spot;
}

export interface Case extends Place {
  readonly hostile: string;
}

const placesOf = (door: Door, name: string, inputs: readonly unknown[]): readonly Place[] =>
  inputs.flatMap((input) => textSpots(input).map((spot) => ({ door, name, input, spot })));

/** Arguments that others have too are tried in one set of arguments only. */
function actionPlaces(): readonly Place[] {
  const places = new Map<string, Place>();
  for (const action of ACTIONS.values())
    for (const place of placesOf('action', action.name, exampleArguments(action)))
      places.set(`${action.name} ${place.spot.join('/')}`, place);
  return [...places.values()];
}

/** A custom action as a hoster may write one: it takes any text. */
const CUSTOM_PLACE: Place = { door: 'action', name: 'custom.echo', input: { text: 'hello' }, spot: ['text'] };

function driverPlaces(): readonly Place[] {
  const resources = Object.entries(RESOURCE_EXAMPLES).flatMap(([name, examples]) => [
    ...placesOf(
      'resource.read',
      name,
      examples.map(([id]) => ({ id })),
    ),
    ...placesOf(
      'resource.write',
      name,
      examples.map(([id, value]) => ({ id, value })),
    ),
    ...placesOf(
      'resource.remove',
      name,
      examples.map(([id]) => ({ id })),
    ),
  ]);
  const tasks = Object.entries(TASK_EXAMPLES).flatMap(([name, examples]) => placesOf('task', name, examples));
  const queries = Object.entries(QUERY_EXAMPLES).flatMap(([name, examples]) => placesOf('query', name, examples));
  return [...resources, ...tasks, ...queries];
}

export const ACTION_PLACES: readonly Place[] = [...actionPlaces(), CUSTOM_PLACE];
export const DRIVER_PLACES: readonly Place[] = driverPlaces();

/**
 * Every place with that many of the hostile values, all of them when left out; which ones, goes round from place to
 * place, so that few values each still are all of them.
 */
export function casesOf(places: readonly Place[], valuesEach = HOSTILE_VALUES.length): readonly Case[] {
  return places.flatMap((place, index) =>
    Array.from({ length: Math.min(valuesEach, HOSTILE_VALUES.length) }, (_, turn) => {
      const hostile = HOSTILE_VALUES[(index * valuesEach + turn) % HOSTILE_VALUES.length]?.name ?? '';
      return { ...place, hostile };
    }),
  );
}

/** Each input once, with nothing hostile in it. */
export function goodCasesOf(places: readonly Place[]): readonly Case[] {
  const inputs = new Map(places.map((place) => [JSON.stringify([place.door, place.name, place.input]), place]));
  return [...inputs.values()].map((place) => ({ ...place, hostile: AS_IT_SHOULD_BE.name }));
}

/** The input with the hostile text in it. */
export const hostileInput = ({ input, spot, hostile }: Case): unknown =>
  withText(input, spot, hostileText(hostile, textAt(input, spot)));

export const textOf = ({ input, spot, hostile }: Case): string => hostileText(hostile, textAt(input, spot));

export const titleOf = ({ door, name, spot, hostile }: Case): string => `${door} ${name} ${spot.join('/')}: ${hostile}`;
