import type { CustomPin, TrustDraftRequest, TrustState } from '@hauban/shared/api';
import { texts } from '../../texts/index.ts';

/** Fields of the form, as their choices hold them. */
export interface DraftValues {
  readonly quorum: string;
  readonly high: string;
  readonly rootShell: string;
  readonly shell: string;
  /** May who asked approve it too? `auto`: no, where enough people have a passkey. */
  readonly own: string;
  /** Which custom actions run: `each` node's policy file decides, or `only` those of `pins`. */
  readonly custom: string;
  /** A line each, as `parsePins` reads it. */
  readonly pins: string;
}

/** What a first version asks for: a touched key for what is dangerous. */
const FIRST: DraftValues = {
  quorum: '1',
  high: '1',
  rootShell: '1',
  shell: '0',
  own: 'auto',
  custom: 'each',
  pins: '',
};

/** Where the form begins: at the draft, else at what is in force. */
export function draftValues({ draft, current }: TrustState): DraftValues {
  const from = draft?.bundle ?? current;
  if (from === null) return FIRST;
  const { high, rootShell, shell } = from.needs;
  return {
    quorum: String(from.quorum),
    high: String(high),
    rootShell: String(rootShell),
    shell: String(shell),
    // What an older version allowed is not the choice of anybody: the default decides again.
    own: from.requesterMayApprove ? 'auto' : 'no',
    custom: from.custom === null ? 'each' : 'only',
    pins: (from.custom ?? [])
      .map(({ name, hash, allowRoot }) => `${name} ${hash}${allowRoot ? ' root' : ''}`)
      .join('\n'),
  };
}

const PIN_LINE = /^(?<name>[a-z][a-z0-9-]{0,39})\s+(?<hash>[0-9a-f]{64})(?<root>\s+root)?$/;

/** Name, hash and perhaps the word root, a line for each action; or what is wrong with the first line that is none. */
function parsePins(text: string): { readonly pins: CustomPin[] } | { readonly problem: string } {
  const pins: CustomPin[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const { name, hash, root } = PIN_LINE.exec(line.trim())?.groups ?? {};
    if (name === undefined || hash === undefined) return { problem: texts.trust.pinWrong(at + 1) };
    if (pins.some((pin) => pin.name === name)) return { problem: texts.trust.pinTwice(at + 1, name) };
    pins.push({ name, hash, allowRoot: root !== undefined });
  }
  return { pins };
}

/** What is wrong with the fields, in one sentence; null when nothing is. */
export function draftProblem({ custom, pins }: DraftValues): string | null {
  const parsed = custom === 'only' ? parsePins(pins) : { pins: [] };
  return 'problem' in parsed ? parsed.problem : null;
}

function customRequest({ custom, pins }: DraftValues): CustomPin[] | null {
  const parsed = custom === 'only' ? parsePins(pins) : null;
  return parsed === null || 'problem' in parsed ? null : parsed.pins;
}

/** Of fields without a problem. */
export const draftRequest = (values: DraftValues): TrustDraftRequest => ({
  quorum: Number(values.quorum),
  needs: { high: Number(values.high), rootShell: Number(values.rootShell), shell: Number(values.shell) },
  ...(values.own === 'auto' ? {} : { requesterMayApprove: values.own === 'yes' }),
  custom: customRequest(values),
});
