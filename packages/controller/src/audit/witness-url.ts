import { createOutsideWitness, type OutsideWitness } from './outside-witness.ts';

const TIMEOUT_MS = 10_000;

async function post(url: URL, jws: string): Promise<string | null> {
  try {
    const reply = await fetch(url, {
      method: 'POST',
      redirect: 'error',
      headers: { 'content-type': 'application/jose' },
      body: jws,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await reply.body?.cancel();
    return reply.ok ? null : `${url.origin} answered ${reply.status}`;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return `${url.origin} does not answer within ${TIMEOUT_MS / 1000} s or cannot be reached`;
  }
}

/** A web hook that is sent each head: the body is the signed head itself (compact JWS). `HAUBAN_AUDIT_WITNESS_URL`. */
export const createWitnessUrl = (url: URL): OutsideWitness =>
  createOutsideWitness(
    // Path and query may hold the receiver's secret.
    { kind: 'url', where: url.origin },
    (jws) => post(url, jws),
    async () => null,
  );
