import { useEffect, useRef, useState } from 'react';

const DELAY_MS = 200;

/**
 * A field whose value goes elsewhere (the address) a moment after the last key. A change from outside (back button,
 * "clear filters") comes into the field; what is being typed is never overwritten.
 */
export function useDebouncedField(
  value: string,
  onSettled: (value: string) => void,
): [string, (value: string) => void] {
  const [typed, setTyped] = useState(value);
  const sent = useRef(value);
  const settle = useRef(onSettled);
  useEffect(() => {
    settle.current = onSettled;
  });
  useEffect(() => {
    if (value === sent.current) return;
    sent.current = value;
    setTyped(value);
  }, [value]);
  useEffect(() => {
    if (typed === sent.current) return undefined;
    const timer = setTimeout(() => {
      sent.current = typed;
      settle.current(typed);
    }, DELAY_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return [typed, setTyped];
}
