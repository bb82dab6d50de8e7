/** Reads fields of a table that somebody wrote by hand, and says of each what is wrong with it and where. */
export type Fields = Readonly<Record<string, unknown>>;
type Report = (place: string, problem: string) => void;

const asFields = (value: unknown): Fields | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;

/** Characters that end a line or a text somewhere, or turn the reading direction. A long text may have line ends. */
// eslint-disable-next-line no-control-regex -- control characters are what is refused here
const UNPRINTABLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/;

export class FieldReader {
  readonly #fields: Fields;
  readonly #place: string;
  readonly #report: Report;

  private constructor(fields: Fields, place: string, report: Report) {
    this.#fields = fields;
    this.#place = place;
    this.#report = report;
  }

  /** Null, and reported, when it is no table. */
  static of(value: unknown, place: string, report: Report): FieldReader | null {
    const fields = asFields(value);
    if (fields === null) report(place === '' ? 'the manifest' : place, 'must be a table');
    return fields === null ? null : new FieldReader(fields, place, report);
  }

  report(name: string, problem: string): void {
    this.#report(this.#place === '' ? name : `${this.#place}.${name}`, problem);
  }

  only(known: readonly string[]): void {
    for (const name of Object.keys(this.#fields).slice(0, 200))
      if (!known.includes(name)) this.report(name.slice(0, 40), `is not known here; known are ${known.join(', ')}`);
  }

  get(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
  }

  text(
    name: string,
    rule: {
      readonly most: number;
      readonly least?: number;
      readonly pattern?: RegExp;
      readonly otherwise?: string;
      readonly isLong?: true;
    },
  ): string {
    const value = this.get(name) ?? rule.otherwise;
    const isText = typeof value === 'string' && value.length <= rule.most && value.length >= (rule.least ?? 0);
    if (!isText || UNPRINTABLE.test(value) || (rule.isLong !== true && value.includes('\n'))) {
      this.report(name, `must be a text of ${rule.least ?? 0} to ${rule.most} characters without control characters`);
      return '';
    }
    if (rule.pattern?.test(value) === false) this.report(name, `must match ${rule.pattern.source}`);
    return value;
  }

  texts(
    name: string,
    rule: { readonly most: number; readonly characters: number; readonly pattern?: RegExp },
  ): readonly string[] {
    const value = this.get(name) ?? [];
    const isGood = (entry: unknown): entry is string =>
      typeof entry === 'string' &&
      entry.length <= rule.characters &&
      !UNPRINTABLE.test(entry) &&
      !entry.includes('\n') &&
      rule.pattern?.test(entry) !== false;
    if (Array.isArray(value) && value.length <= rule.most && value.every(isGood)) return value;
    this.report(name, `must be a list of at most ${rule.most} texts of at most ${rule.characters} characters`);
    return [];
  }

  whole(name: string, min: number, max: number, otherwise?: number): number {
    const value = this.get(name) ?? otherwise;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    this.report(name, `must be a whole number from ${min} to ${max}`);
    return min;
  }

  oneOf<T extends string>(name: string, known: readonly [T, ...T[]], otherwise?: T): T {
    const value = this.get(name) ?? otherwise;
    const found = known.find((one) => one === value);
    if (found === undefined) this.report(name, `must be one of ${known.join(', ')}`);
    return found ?? known[0];
  }

  table(name: string): Fields {
    const value = this.get(name) ?? {};
    const fields = asFields(value);
    if (fields === null) this.report(name, 'must be a table');
    return fields ?? {};
  }

  /** Null when it is absent, or no table (then it is reported). */
  inner(name: string): FieldReader | null {
    const value = this.get(name);
    if (value === undefined) return null;
    return FieldReader.of(value, this.#place === '' ? name : `${this.#place}.${name}`, this.#report);
  }
}
