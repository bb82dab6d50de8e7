/** What a hand does to the lines of a file, by a seed. */

export type Choose = (below: number) => number;

export const pick = <T>(choose: Choose, values: readonly T[]): T => {
  const value = values[choose(values.length)];
  if (value === undefined) throw new Error('nothing to choose from');
  return value;
};

type Mutation = readonly [name: string, mutate: (lines: string[], choose: Choose) => void];

const words = [
  'Optionz',
  'On',
  '{',
  '"',
  '<',
  '</Directory>',
  '%',
  '../..',
  '-1',
  '\u0000',
  '\u00e9',
  '*',
  '\\',
  'ServerName',
  ';',
  '[',
];

const MUTATIONS: readonly Mutation[] = [
  ['a line is gone', (lines, choose) => void lines.splice(choose(lines.length - 1), 1)],
  [
    'a line is there twice',
    (lines, choose) => {
      const at = choose(lines.length - 1);
      lines.splice(at, 0, lines[at] ?? '');
    },
  ],
  [
    'two lines have changed places',
    (lines, choose) => {
      const [one, two] = [choose(lines.length - 1), choose(lines.length - 1)];
      [lines[one], lines[two]] = [lines[two] ?? '', lines[one] ?? ''];
    },
  ],
  [
    'a line is cut off',
    (lines, choose) => {
      const at = choose(lines.length - 1);
      lines[at] = (lines[at] ?? '').slice(0, choose((lines[at] ?? '').length + 1));
    },
  ],
  ['the file is cut off', (lines, choose) => void lines.splice(1 + choose(lines.length - 2))],
  [
    'a letter is another',
    (lines, choose) => {
      const at = choose(lines.length - 1);
      const line = lines[at] ?? '';
      const place = choose(line.length + 1);
      lines[at] = `${line.slice(0, place)}${pick(choose, ['#', 'x', '"', '<', '>', '$', ' '])}${line.slice(place + 1)}`;
    },
  ],
  [
    'a word is another',
    (lines, choose) => {
      const at = choose(lines.length - 1);
      const parts = (lines[at] ?? '').split(' ');
      parts[choose(parts.length)] = pick(choose, words);
      lines[at] = parts.join(' ');
    },
  ],
  ['a word too many', (lines, choose) => void (lines[choose(lines.length - 1)] += ` ${pick(choose, words)}`)],
];

/** One mutation, or two of one kind. */
export function mutateLines(text: string, choose: Choose): readonly [name: string, text: string] {
  const [name, mutate] = pick(choose, MUTATIONS);
  const lines = text.split('\n');
  for (let times = 1 + choose(2); times > 0; times -= 1) mutate(lines, choose);
  return [name, lines.join('\n')];
}
