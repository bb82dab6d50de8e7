import type { ApprovalOutcome } from '@hauban/shared/api';
import { texts } from '../../texts/index.ts';

const t = texts.approvals;

/** How a request stands after an answer, in a sentence. */
export function outcomeText({ state, missing }: ApprovalOutcome): string {
  switch (state) {
    case 'waiting':
      return t.stillMissing(missing);
    case 'approved':
      return t.isApproved;
    case 'denied':
      return t.isDenied;
    case 'expired':
    case 'used':
      return t.isOver;
  }
}
