import { useSyncExternalStore } from 'react';

/** One ticking clock for all relative times of the page; it runs only while somebody looks. */
const PERIOD_MS = 5000;
const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, PERIOD_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function snapshot(): number {
  // A page that was idle shows the present at its first look.
  if (timer === undefined) now = Math.floor(Date.now() / PERIOD_MS) * PERIOD_MS;
  return now;
}

/** @returns Unix ms, up to 10 s old: what has just happened may lie ahead of it */
export const useNow = (): number => useSyncExternalStore(subscribe, snapshot);

/** How far the clock of `useNow` may be behind. */
export const NOW_LAG_MS = 2 * PERIOD_MS;
