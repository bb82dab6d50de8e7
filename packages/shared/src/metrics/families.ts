/**
 * The families of series. A family is the unit of storage: one column in the database, one block in a chunk, so that
 * a graph decodes only what it shows. The codes are on the wire and on disk: never renumber, only add.
 */
export const FAMILIES = ['cpu', 'mem', 'disk', 'net', 'tcp', 'psi', 'fs', 'proc', 'sys'] as const;
export type Family = (typeof FAMILIES)[number];

export const FAMILY_CODES: Readonly<Record<Family, number>> = {
  cpu: 1,
  mem: 2,
  disk: 3,
  net: 4,
  tcp: 5,
  psi: 6,
  fs: 7,
  proc: 8,
  sys: 9,
};

const BY_CODE = new Map<number, Family>(FAMILIES.map((family) => [FAMILY_CODES[family], family]));

/** The family of a code on the wire; undefined when this version does not know it. */
export const familyOfCode = (code: number): Family | undefined => BY_CODE.get(code);

export const isFamily = (text: string): text is Family => Object.hasOwn(FAMILY_CODES, text);
