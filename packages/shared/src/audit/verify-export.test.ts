import { describe, expect, it } from 'vitest';
import { auditFirstLine } from './export-lines.ts';
import { createExportVerifier, type ExportVerdict } from './verify-export.ts';

const controller = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';
/** Nothing here comes as far as a hash or a signature that holds. */
const crypto = { sha256Hex: () => '', verifyEd25519: () => false };

function verdictOf(...lines: readonly string[]): ExportVerdict {
  const verifier = createExportVerifier(crypto, { keys: [], witnessed: [] });
  for (const line of lines) if (!verifier.line(line)) break;
  return verifier.finish();
}
const broken = (says: string) => ({ ok: false, problem: expect.stringContaining(says) as string });

describe('an export of the audit log', () => {
  it('begins with the line of its controller, in its one spelling', () => {
    const first = auditFirstLine(controller);
    expect(verdictOf(first)).toMatchObject(broken('cut off'));
    for (const line of ['{}', 'null', '{"t":"row"}', ` ${first}`, first.replace('"v":1', '"v":1.0')])
      expect(verdictOf(line), line).toMatchObject(broken('the first line'));
  });

  it('has no step between keys that is none, nor a line that is no JSON', () => {
    const first = auditFirstLine(controller);
    expect(verdictOf(first, '{"t":"step"}')).toMatchObject(broken('a step between link keys'));
    expect(verdictOf(first, 'x')).toMatchObject(broken('not JSON'));
  });
});
