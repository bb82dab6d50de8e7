import { describe, expect, it } from 'vitest';
import { PAGES } from './routes.ts';

const folders = Object.keys(import.meta.glob('./pages/*/page.tsx')).map((path) => path.split('/')[2] ?? '');

describe('the list of pages', () => {
  it('is the list of folders', () => {
    expect(PAGES.map((page) => page.name).toSorted()).toEqual(folders.toSorted());
  });

  it('loads each page from its own folder', () => {
    for (const page of PAGES) expect(String(page.load)).toContain(`pages/${page.name}/page.tsx`);
  });

  it('has each address once', () => {
    expect(new Set(PAGES.map((page) => page.path)).size).toBe(PAGES.length);
  });

  it('shows nothing but set-up, invitation and sign-in to strangers', () => {
    const open = PAGES.filter((page) => page.access === 'open').map((page) => page.name);
    expect(open.toSorted()).toEqual(['invite', 'setup', 'sign-in', 'sign-on']);
  });
});
