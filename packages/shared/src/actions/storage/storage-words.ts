import type { ResourceWords } from '../resource.ts';
import type { StorageResources } from './storage-host.ts';

export const STORAGE_WORDS: { readonly [N in keyof StorageResources]: ResourceWords } = {
  'storage.snapshot': { noun: 'snapshot' },
  'storage.restored': { noun: 'restored copy' },
  'storage.placed': { noun: 'what is in place for' },
};
