import { useParams } from '@tanstack/react-router';

/** A `$name` segment of the page's path, decoded. */
export function usePathParam(name: string): string {
  const params: Readonly<Record<string, string | undefined>> = useParams({ strict: false });
  return params[name] ?? '';
}
