import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';

export type SearchState = Readonly<Record<string, string>>;

/**
 * State that belongs into the address (filters, tab, range): a link to it shows the same. All values are texts;
 * setting one to '' removes it. Does not fill the back history.
 */
export function useSearchState(): [SearchState, (changes: Readonly<Record<string, string>>) => void] {
  const search: SearchState = useSearch({ strict: false });
  const navigate = useNavigate();
  const set = useCallback(
    (changes: Readonly<Record<string, string>>) => {
      void navigate({
        to: '.',
        replace: true,
        search: (old: SearchState) =>
          Object.fromEntries(Object.entries({ ...old, ...changes }).filter(([, value]) => value !== '')),
      } as Parameters<typeof navigate>[0]);
    },
    [navigate],
  );
  return [search, set];
}

/** The value when it is one of the choices, else the first choice. */
export function oneOf<T extends string>(value: string | undefined, choices: readonly [T, ...T[]]): T {
  return choices.find((choice) => choice === value) ?? choices[0];
}
