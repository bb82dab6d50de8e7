import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadTrust, storeTrust, type Trust } from './trust-file.ts';

const uuid = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';
const trust: Trust = {
  v: 1,
  url: 'wss://hauban.example/link',
  nodeId: uuid,
  controllerId: uuid,
  controllerKey: 'A'.repeat(43),
  authorityKeys: [{ kid: 'k', key: 'A'.repeat(43) }],
  authoritySteps: [],
  ca: null,
};
let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-trust-'));
  file = join(folder, 'trust.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

it('is read as it was written; none is no fault', () => {
  expect(loadTrust(file)).toBeNull();
  storeTrust(file, trust);
  expect(loadTrust(file)).toEqual(trust);
});

it('that is damaged, of another kind, or longer than any is, is refused with a code', () => {
  const whole = JSON.stringify(trust);
  for (const text of ['', '{}', whole.replace('wss://', 'file://'), whole + ' '.repeat(1024 * 1024)]) {
    writeFileSync(file, text);
    expect(() => loadTrust(file)).toThrow(expect.objectContaining({ code: 'CONFIG_BAD' }) as Error);
  }
  expect(() => loadTrust(folder)).toThrow();
});
