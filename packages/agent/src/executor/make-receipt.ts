import { signReceipt, type KeyPair } from '@hauban/link';
import type { Receipt } from '@hauban/shared/protocol';
import type { ClaimedOrder } from './check-order.ts';
import type { OrderResult } from './order-result.ts';

/** A JWS of at most 400,000 characters holds this much JSON: base64 makes four of three, and signature and header come on top. */
const RECEIPT_BYTES = 280_000;

const clean = (text: string, most: number): string => {
  // eslint-disable-next-line no-control-regex -- control characters other than line ends are what is removed here
  const printable = text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f]/g, ' ');
  return printable.length <= most ? printable : `${printable.slice(0, most - 1)}…`;
};

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** Leaves out what is largest until the receipt fits a message of the link; the detail says so. */
function fit(receipt: Receipt): Receipt {
  if (bytesOf(receipt) <= RECEIPT_BYTES) return receipt;
  const note = (what: string): string => clean(`${receipt.detail} [${what} too large to be sent]`, 2000);
  const { plan, data, ...rest } = receipt;
  const isDataLarger = bytesOf(data) >= bytesOf(plan);
  const once: Receipt = isDataLarger
    ? { ...rest, plan, data: null, detail: note('the data is') }
    : { ...rest, data, plan: null, detail: note('the plan is') };
  return bytesOf(once) <= RECEIPT_BYTES ? once : { ...rest, plan: null, data: null, detail: note('plan and data are') };
}

/** Signs what happened to an order (rule ORDER7). Times are Unix ms. */
export async function makeReceipt(
  order: ClaimedOrder,
  result: OrderResult,
  times: { readonly startedAt: number; readonly finishedAt: number },
  signer: { readonly nodeId: string; readonly receiptKey: KeyPair },
): Promise<string> {
  const verification = result.verification.slice(0, 100).map(({ name, ok, saw }) => ({
    name: clean(name, 200),
    ok: ok ? (1 as const) : (0 as const),
    saw: clean(saw, 500),
  }));
  const receipt: Receipt = {
    v: 1,
    order: order.id,
    orderHash: order.hash,
    node: signer.nodeId,
    kind: order.kind,
    mode: order.mode,
    outcome: result.outcome,
    code: result.code,
    detail: clean(result.detail, 2000),
    plan: result.plan,
    verification,
    data: result.data ?? null,
    // A clock that was set back meanwhile must not make the end come before the start.
    startedAt: times.startedAt,
    finishedAt: Math.max(times.startedAt, times.finishedAt),
  };
  return await signReceipt(fit(receipt), signer.receiptKey);
}
