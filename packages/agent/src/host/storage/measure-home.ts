import type { SourceFacts } from '@hauban/shared/actions';
import type { OpenDirectory } from '../safe-path.ts';
import { openBelow, placeOf } from './held-folder.ts';
import { measureInto, TreeDigest } from './tree-digest.ts';
import { walkSite, type SiteTree, type TreeVisitor, type Walked } from './walk-site.ts';

/** Walks what the tree names in a home as it was; null: there is no folder that it would be in. */
export async function walkHome(home: OpenDirectory, tree: SiteTree, visitor: TreeVisitor): Promise<Walked | null> {
  const { folder, name } = placeOf(tree.path);
  const held = await openBelow(home.handle, ['var', ...folder]);
  if (held === null) return null;
  try {
    return await walkSite(held, name, tree, visitor);
  } finally {
    await held.close();
  }
}

export async function measureHome(home: OpenDirectory, tree: SiteTree): Promise<SourceFacts | null> {
  const { type, leftOut, ...size } = await walkedSize(home, tree);
  return type === null ? null : { type, leftOut, ...size, diskBytes: size.sizeBytes };
}

export async function walkedSize(
  home: OpenDirectory,
  tree: SiteTree,
): Promise<Walked & { readonly entries: number; readonly sizeBytes: number }> {
  const size = new TreeDigest();
  const walked = (await walkHome(home, tree, measureInto(size))) ?? { type: null, leftOut: {} };
  return { ...walked, entries: size.entries, sizeBytes: size.sizeBytes };
}
