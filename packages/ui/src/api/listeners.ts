/** A set of listeners; `add` returns the removal, which may be called more than once. */
export interface Listeners<T> {
  readonly add: (listener: (value: T) => void) => () => void;
  readonly call: (value: T) => void;
}

export function createListeners<T>(): Listeners<T> {
  const all = new Set<{ readonly listener: (value: T) => void }>();
  return {
    add(listener) {
      const entry = { listener };
      all.add(entry);
      return () => {
        all.delete(entry);
      };
    },
    call(value) {
      for (const { listener } of [...all]) listener(value);
    },
  };
}
