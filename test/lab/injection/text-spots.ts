/** Places of texts in a value of JSON, and the same value with another text at one of them. */
export type Spot = readonly (string | number)[];

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function textSpots(value: unknown, at: Spot = []): readonly Spot[] {
  if (typeof value === 'string') return [at];
  if (Array.isArray(value)) return value.flatMap((entry, index) => textSpots(entry, [...at, index]));
  if (isRecord(value)) return Object.entries(value).flatMap(([name, entry]) => textSpots(entry, [...at, name]));
  return [];
}

export function textAt(value: unknown, spot: Spot): string {
  const found = spot.reduce<unknown>((at, part) => (at as Record<string | number, unknown>)[part], value);
  if (typeof found !== 'string') throw new Error(`there is no text at ${spot.join('/')}`);
  return found;
}

export function withText(value: unknown, spot: Spot, text: string): unknown {
  const [part, ...rest] = spot;
  if (part === undefined) return text;
  if (Array.isArray(value)) return value.map((entry, index) => (index === part ? withText(entry, rest, text) : entry));
  const record = value as Readonly<Record<string, unknown>>;
  return { ...record, [part]: withText(record[part], rest, text) };
}
