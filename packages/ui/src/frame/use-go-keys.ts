import { useEffect, useRef } from 'react';
import { paths } from '../paths.ts';

/**
 * `g` and then a letter, within a second: go to a page. `?`, wherever it lies on the keyboard: help. Never while typing
 * or in a dialog.
 */
const TARGETS: Readonly<Record<string, string>> = {
  f: paths.fleet,
  a: paths.audit,
  b: paths.bans,
  r: paths.runs,
  s: paths.schedules,
  x: paths.actions,
  o: paths.pools,
  p: paths.recordings,
  v: paths.approvals,
};
const CHORD_MS = 1000;

export function useGoKeys(go: (path: string) => void, help: () => void): void {
  const handlers = useRef({ go, help });
  useEffect(() => {
    handlers.current = { go, help };
  });
  useEffect(() => {
    let armedUntil = 0;
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const { target } = event;
      const isBusy =
        target instanceof HTMLElement &&
        (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
      if (isBusy || document.querySelector('[role="dialog"]') !== null) return;
      const path = event.timeStamp < armedUntil ? TARGETS[event.key] : undefined;
      armedUntil = event.key === 'g' ? event.timeStamp + CHORD_MS : 0;
      if (path !== undefined) handlers.current.go(path);
      else if (event.key === '?') handlers.current.help();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}
