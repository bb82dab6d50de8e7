/** Asks again until there is an answer (neither null nor false), with a deadline; `what` is the error's sentence. */
export async function waitFor<Value>(
  what: string,
  ask: () => Promise<Value | null | false> | Value | null | false,
  { timeoutMs = 30_000, intervalMs = 50 }: { readonly timeoutMs?: number; readonly intervalMs?: number } = {},
): Promise<Value> {
  const endsAtMs = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== false) return answer;
    if (performance.now() > endsAtMs) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
