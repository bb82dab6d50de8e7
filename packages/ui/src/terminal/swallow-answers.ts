import type { IDisposable, IParser } from '@xterm/xterm';

/**
 * A terminal answers questions that the output asks (who are you, where is the cursor, which colour): as if the
 * person had typed the answer. On a replay after a reconnect, or from a file that somebody prints, that would type
 * into a live shell. So the questions are taken out of the output before the terminal sees them: only what the
 * person types or pastes is ever sent. Links (OSC 8) are taken out as well: text from a node opens nothing.
 */
const CSI_QUESTIONS = [
  { final: 'c' },
  { prefix: '>', final: 'c' },
  { prefix: '=', final: 'c' },
  { final: 'n' },
  { prefix: '?', final: 'n' },
  { intermediates: '$', final: 'p' },
  { prefix: '?', intermediates: '$', final: 'p' },
  { prefix: '>', final: 'q' },
  { final: 't' },
] as const;

/** Setting a colour stays; asking for one contains a question mark. */
const OSC_COLOURS = [4, 10, 11, 12] as const;
const OSC_LINK = 8;
const OSC_CLIPBOARD = 52;

export function swallowQuestions(parser: IParser): readonly IDisposable[] {
  return [
    ...CSI_QUESTIONS.map((id) => parser.registerCsiHandler(id, () => true)),
    ...OSC_COLOURS.map((id) => parser.registerOscHandler(id, (data) => data.includes('?'))),
    ...[OSC_LINK, OSC_CLIPBOARD].map((id) => parser.registerOscHandler(id, () => true)),
    parser.registerDcsHandler({ intermediates: '$', final: 'q' }, () => true),
    parser.registerDcsHandler({ intermediates: '+', final: 'q' }, () => true),
  ];
}

const ESCAPE = '\u001B';
/** Reports that the window got or lost the focus: made by the terminal, not typed. */
const FOCUS_REPORTS: ReadonlySet<string> = new Set([`${ESCAPE}[I`, `${ESCAPE}[O`]);

export const isTyped = (data: string): boolean => !FOCUS_REPORTS.has(data);
