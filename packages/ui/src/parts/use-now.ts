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

export const useNow = (): number => useSyncExternalStore(subscribe, snapshot);
