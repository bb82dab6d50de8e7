/** Which package may want which, what it exports, and what its compiler may see: the two guards below the import table. */

export interface PackageFacts {
  /** Folder name below packages/. */
  readonly name: string;
  readonly manifest: {
    readonly name: string;
    readonly private?: boolean;
    readonly type?: string;
    readonly exports?: Readonly<Record<string, unknown>>;
    readonly dependencies?: Readonly<Record<string, string>>;
  };
  readonly compiler: {
    readonly rootDir?: string;
    readonly types?: readonly string[];
    readonly lib?: readonly string[];
  };
  readonly references: readonly { readonly path: string }[];
}

/** Workspace packages that a package may want; a package that is not here may not exist. */
const MAY_WANT: Readonly<Record<string, readonly string[]>> = {
  shared: [],
  link: ['shared'],
  agent: ['shared', 'link'],
  controller: ['shared', 'link'],
  ui: ['shared'],
  cli: ['shared'],
  standalone: ['shared'],
};
/** These are imported; all others are programs and export nothing. */
const LIBRARIES = new Set(['shared', 'link']);

function checkWants({ name, manifest, references }: PackageFacts): string[] {
  const may = MAY_WANT[name];
  if (may === undefined)
    return [`packages/${name}: not in MAY_WANT of test/arch/packages.ts — say there what it may want`];
  const ours = Object.keys(manifest.dependencies ?? {}).filter((wanted) => wanted.startsWith('@hauban/'));
  const wanted = ours.map((full) => full.slice('@hauban/'.length));
  const referenced = references.map(({ path }) => path.replace('../', ''));
  return [
    ...wanted
      .filter((other) => !may.includes(other))
      .map(
        (other) =>
          `packages/${name} may not want ${other} — programs meet only in shared (agent and controller also in link)`,
      ),
    ...wanted
      .filter((other) => !referenced.includes(other))
      .map((other) => `packages/${name}/tsconfig.json: no reference to ${other}, which it wants`),
    ...referenced
      .filter((other) => !wanted.includes(other))
      .map((other) => `packages/${name}/tsconfig.json: refers to ${other}, which package.json does not want`),
  ];
}

function checkSeal({ name, manifest }: PackageFacts): string[] {
  const exported = Object.keys(manifest.exports ?? { '.': null });
  if (!LIBRARIES.has(name) && exported.length > 0)
    return [`packages/${name}: is a program and exports ${exported.join(', ')} — its exports are {}`];
  return exported
    .filter((entry) => entry.includes('*'))
    .map((entry) => `packages/${name}: exports ${entry} — name each entry, or nothing is sealed`);
}

function checkCompiler({ name, compiler }: PackageFacts): string[] {
  const out: string[] = [];
  if (compiler.rootDir !== 'src')
    out.push(`packages/${name}/tsconfig.json: rootDir is not src — a relative import could leave the package`);
  if (name === 'shared' && (compiler.types ?? []).length > 0)
    out.push('packages/shared/tsconfig.json: has types — shared is pure');
  if (name === 'shared' && compiler.lib?.some((lib) => lib.startsWith('dom')) === true)
    out.push('packages/shared/tsconfig.json: has the DOM — shared is pure');
  return out;
}

export function checkPackage(facts: PackageFacts): string[] {
  const basics =
    facts.manifest.private === true && facts.manifest.type === 'module'
      ? []
      : [`packages/${facts.name}: is private and of type module`];
  return [...basics, ...checkWants(facts), ...checkSeal(facts), ...checkCompiler(facts)];
}
