import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadLocalPolicy } from './local-policy.ts';

const ownUid = process.getuid?.() ?? 0;
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-policy-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function load(text: string, mode = 0o644) {
  const path = join(folder, 'policy.toml');
  writeFileSync(path, text);
  chmodSync(path, mode);
  return loadLocalPolicy(path, ownUid);
}

describe('the policy file of the node', () => {
  it('is used when it is right', () => {
    expect(load('version = 1\n')).toMatchObject({ ok: true });
  });

  it('allows nothing when there is none, and when others may write it', () => {
    const none = loadLocalPolicy(join(folder, 'none.toml'), ownUid);
    expect(none).toMatchObject({ ok: false, problems: [expect.stringContaining('none.toml')] });
    expect(load('version = 1\n', 0o666)).toMatchObject({
      ok: false,
      problems: [expect.stringContaining('written by others')],
    });
  });

  it('allows nothing when it is no TOML or says what no policy says, and shows the problem before its text', () => {
    expect(load('version = ')).toMatchObject({ ok: false, problems: [expect.stringMatching(/^line 1: /)] });
    const wrong = load('version = 1\nallow = 5\n');
    expect(wrong.ok).toBe(false);
    expect(wrong.text).toMatch(
      /^# This policy is not usable, so this node allows nothing:\n# [\s\S]+\n\nversion = 1\n/,
    );
  });
});
