import type { TrustDraftRequest, TrustState } from '@hauban/shared/api';

/** Fields of the form, as their choices hold them. */
export interface DraftValues {
  readonly quorum: string;
  readonly high: string;
  readonly rootShell: string;
  readonly shell: string;
  /** May who asked approve it too? `auto`: no, where enough people have a passkey. */
  readonly own: string;
}

/** What a first version asks for: a touched key for what is dangerous. */
const FIRST: DraftValues = { quorum: '1', high: '1', rootShell: '1', shell: '0', own: 'auto' };

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
  };
}

export const draftRequest = ({ quorum, high, rootShell, shell, own }: DraftValues): TrustDraftRequest => ({
  quorum: Number(quorum),
  needs: { high: Number(high), rootShell: Number(rootShell), shell: Number(shell) },
  ...(own === 'auto' ? {} : { requesterMayApprove: own === 'yes' }),
});
