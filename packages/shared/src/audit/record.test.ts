import { describe, expect, it } from 'vitest';
import { auditBody, auditRowProblem, type AuditRecord } from './record.ts';

/** Stands in for SHA-256: other text, other hash. */
const hash = (text: string): string => `h(${text})`;
const draft = {
  at: 1,
  code: 'A3010I',
  who: 'ann',
  address: null,
  nodeId: null,
  hostName: null,
  orderId: null,
  outcome: 'ok',
  detail: {},
} as Omit<AuditRecord, 'seq' | 'prevHash' | 'hash'>;
/** A row whose own hash fits. */
const row = (seq: number, prevHash: string): AuditRecord => ({
  ...draft,
  seq,
  prevHash,
  hash: hash(`${prevHash}\n${seq}\n${auditBody(draft)}`),
});
const tail = { seq: 7, hash: 'tail' };
const problemOf = (given: AuditRecord): unknown => auditRowProblem(given, tail, hash);

describe('a row of the audit log', () => {
  it('fits where it follows, with the content that it was written with', () => {
    expect(problemOf(row(8, 'tail'))).toBeNull();
    expect(problemOf({ ...row(8, 'tail'), who: 'eve' })).toMatchObject({
      seq: 8,
      problem: expect.stringContaining('content'),
    });
  });

  it('made anew with a hash of its own does not fit after another row', () => {
    expect(problemOf(row(8, 'another'))).toEqual({ seq: 8, problem: 'it does not follow the row before it' });
  });

  it('that is gone, or was put in, is named', () => {
    expect(problemOf(row(9, 'tail'))).toEqual({ seq: 8, problem: 'it is missing; the next row is 9' });
    expect(problemOf(row(7, 'tail'))).toEqual({ seq: 8, problem: 'row 7 stands in its place' });
  });
});
