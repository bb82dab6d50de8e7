import type { Clock, Random } from '@hauban/shared/time';
import type { ControllerMessage } from '@hauban/shared/protocol';
import { signReceiptProof, type FrameChannel, type JoinToken, type KeyPair } from '@hauban/link';
import { LinkAttempt, type AttemptEnd } from '../link/link-attempt.ts';
import type { Dial } from '../link/dial.ts';

export interface EnrolmentQuestion {
  readonly dial: Dial;
  readonly clock: Clock;
  readonly random: Random;
  readonly url: string;
  readonly token: JoinToken;
  readonly linkKey: KeyPair;
  readonly receiptKey: KeyPair;
  readonly hostName: string;
  readonly agentVersion: string;
  readonly os: string;
}

type Enrolled = Extract<ControllerMessage, { t: 'enrolled' }>;
export type EnrolmentAnswer =
  | { readonly ok: true; readonly enrolled: Enrolled }
  | {
      readonly ok: false;
      readonly code: string;
      readonly detail: string;
      /** The controller itself said no, so it keeps nothing of this attempt; otherwise nobody knows. */
      readonly isRefused: boolean;
    };

/** How long the controller may take to answer, once the link is up. */
const ANSWER_MS = 30_000;

/** Asks the controller of the join token to take this node (rules ENROL2 to ENROL6). One connection, no retry. */
export async function askEnrolment(question: EnrolmentQuestion): Promise<EnrolmentAnswer> {
  const { token, linkKey, receiptKey, clock, hostName, agentVersion, os } = question;
  const of = { linkKey: linkKey.publicText, tokenId: token.tokenId };
  const receiptProof = await signReceiptProof(of, receiptKey);
  const message = {
    t: 'enrol',
    tokenId: token.tokenId,
    secret: token.secret,
    hostName,
    receiptKey: receiptKey.publicText,
    receiptProof,
    agentVersion,
    os,
  };
  return await new Promise<EnrolmentAnswer>((resolve) => {
    let answer: EnrolmentAnswer | null = null;
    let controller: { readonly id: string; readonly key: string } | null = null;
    const late = (channel: FrameChannel) =>
      clock.after(ANSWER_MS, () => channel.close(4408, 'no answer to the enrolment'));
    let deadline: ReturnType<typeof late> | null = null;
    const { dial, random, url } = question;
    const expected = { by: 'thumbprint', thumbprint: token.thumbprint } as const;
    const attempt = new LinkAttempt(
      { dial, clock, random, url, mode: 'enrol', nodeId: '', key: linkKey, expected, follow: null, join: null },
      {
        established: (channel, who) => {
          controller = who;
          deadline = late(channel);
          channel.sendControl(message);
        },
        control: (received) => {
          answer ??= answerOf(received, controller);
          if (received.t === 'enrolled') attempt.close(1000, 'enrolled');
        },
        body: () => attempt.close(4400, 'a frame in an enrolment'),
        echo: () => undefined,
        over: (end) => {
          deadline?.cancel();
          resolve(answer ?? endOf(end));
        },
      },
    );
  });
}

/** Null: it says nothing about the enrolment. @param controller as the handshake has proven it */
export function answerOf(
  message: { readonly t: string },
  controller: { readonly id: string; readonly key: string } | null,
): EnrolmentAnswer | null {
  const received = message as ControllerMessage;
  if (received.t === 'enrol.refused')
    return { ok: false, code: received.code, detail: received.detail, isRefused: true };
  if (received.t !== 'enrolled') return null;
  // What the frame says must be what the handshake has proven.
  if (received.controllerId !== controller?.id || received.controllerKey !== controller.key)
    return {
      ok: false,
      code: 'LINK_CONTROLLER_IDENTITY',
      detail: 'The controller gave another identity than the one that it has proven.',
      isRefused: false,
    };
  return { ok: true, enrolled: received };
}

function endOf(end: AttemptEnd): EnrolmentAnswer {
  if (end.code === 4495)
    return {
      ok: false,
      code: 'LINK_CONTROLLER_IDENTITY',
      detail: `This is not the controller that made the join token, or something sits between: ${end.why}`,
      isRefused: false,
    };
  const code = end.code === 4426 ? 'LINK_VERSION' : end.code === 1006 ? 'LINK_LOST' : 'LINK_HANDSHAKE_FAILED';
  const detail = `The enrolment did not come to an end: ${end.why} (code ${end.code}).`;
  return { ok: false, code, detail, isRefused: false };
}
