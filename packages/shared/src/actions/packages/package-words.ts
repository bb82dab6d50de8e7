import type { ResourceWords } from '../resource.ts';
import type { PackageResources } from './package-host.ts';

export const PACKAGE_WORDS: { readonly [N in keyof PackageResources]: ResourceWords } = {
  'package.versions': { noun: 'packages' },
};
