import { parseWith, type SignedLinkStep } from '../protocol/index.ts';
import { auditFirstLine, auditRowLine, auditSignedLine, checkFirstLine, checkSignedLine } from './export-lines.ts';
import { isInTime, linkKeyTimes, stepInLine, type LinkKeyTime } from './link-key-times.ts';
import { chainHeads, openAuditExportEnd, openAuditHead, type AuditCrypto, type AuditHead } from './head.ts';
import { AUDIT_GENESIS, auditRowProblem, checkAuditRecord, type AuditTail } from './record.ts';

/** `problem` is one sentence that names the first bad row; `seq` is that row, or null when it is none of a row. */
export type ExportVerdict =
  | { readonly ok: true; readonly rows: number; readonly heads: number; readonly end: AuditHead }
  | { readonly ok: false; readonly line: number; readonly seq: number | null; readonly problem: string };

export interface ExportVerifier {
  /** The next line without its line feed. False: a problem was found, more need not be read. */
  line(source: string): boolean;
  /** After the last line. */
  finish(): ExportVerdict;
}

export interface ExportTrust {
  /** Public link keys of the controller, base64url: any of them; the export says how the others belong to it. */
  readonly keys: readonly string[];
  /** Heads that somebody else kept (`openAuditHead`): the export must contain and reach each of them. */
  readonly witnessed: readonly AuditHead[];
}

type Failure = Extract<ExportVerdict, { ok: false }>;

/** Checks an export line by line, in memory that does not grow with it. */
class Verifier implements ExportVerifier {
  readonly #crypto: AuditCrypto;
  readonly #trust: ExportTrust;
  readonly #witnessed: ReadonlyMap<number, readonly AuditHead[]>;
  #line = 0;
  #controller: string | null = null;
  #tail: AuditTail = { seq: 0, hash: AUDIT_GENESIS };
  /** The newest head so far; rows behind it are not signed for yet. */
  #signedSeq = 0;
  #heads = 0;
  #headsHash = AUDIT_GENESIS;
  #end: AuditHead | null = null;
  #failure: Failure | null = null;
  readonly #steps: SignedLinkStep[] = [];
  /** Null: the rows have not begun. */
  #keys: readonly LinkKeyTime[] | null = null;
  /** When the newest row was written. */
  #rowAt = 0;

  constructor(crypto: AuditCrypto, trust: ExportTrust) {
    this.#crypto = crypto;
    this.#trust = trust;
    const bySeq = new Map<number, AuditHead[]>();
    for (const head of trust.witnessed) bySeq.set(head.seq, [...(bySeq.get(head.seq) ?? []), head]);
    this.#witnessed = bySeq;
  }

  line(source: string): boolean {
    if (this.#failure !== null) return false;
    this.#line += 1;
    if (this.#end !== null) this.#fail(null, 'something stands behind the end of the export');
    else this.#take(source);
    return this.#failure === null;
  }

  finish(): ExportVerdict {
    const { seq } = this.#tail;
    if (this.#failure === null && this.#end === null)
      this.#failRow(seq + 1, 'the export is cut off before it: its signed end is missing');
    const newest = this.#trust.witnessed.reduce((most, head) => Math.max(most, head.seq), 0);
    if (this.#failure === null && newest > seq)
      this.#failRow(seq + 1, `the export ends before it, but a witness has seen row ${newest}`);
    if (this.#failure !== null) return this.#failure;
    if (this.#end === null) throw new TypeError('an export without an end has a failure');
    return { ok: true, rows: seq, heads: this.#heads, end: this.#end };
  }

  #take(source: string): void {
    let value: unknown;
    try {
      value = JSON.parse(source);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return this.#failRow(this.#tail.seq + 1, 'its line is not JSON');
    }
    const { t } = Object(value) as { readonly t?: unknown };
    if (this.#controller === null) return this.#first(value, source);
    if (t === 'step') return this.#step(source);
    if (this.#keys === null) this.#begin();
    if (this.#failure !== null) return undefined;
    if (t === 'row') return this.#row(value as object, source);
    return this.#signed(value, source);
  }

  #first(value: unknown, source: string): void {
    const parsed = parseWith(checkFirstLine, value);
    if (!parsed.ok || auditFirstLine(parsed.value.controller) !== source)
      return this.#fail(null, 'the first line is not the beginning of an audit export');
    this.#controller = parsed.value.controller;
  }

  #step(source: string): void {
    const signed = this.#keys === null ? stepInLine(source) : null;
    if (signed === null) this.#fail(null, 'a step between link keys is not well-formed or not in its place');
    else this.#steps.push(signed);
  }

  #begin(): void {
    this.#keys = linkKeyTimes(this.#steps, this.#trust.keys, this.#controller ?? '', this.#crypto);
    if (this.#keys === null)
      this.#fail(
        null,
        'its steps between link keys do not lead to a key that was given, or are not signed by both keys',
      );
  }

  /** What was signed there, by whichever key of the controller; `late`: outside the time of its key. */
  #open<T extends AuditHead>(open: (keys: readonly string[]) => T | null): T | 'late' | null {
    for (const time of this.#keys ?? []) {
      const found = open([time.key]);
      if (found !== null) return isInTime(time, found.at) && isInTime(time, this.#rowAt, 'row') ? found : 'late';
    }
    return null;
  }

  #row(value: object, source: string): void {
    const { t: _t, ...fields } = value as { readonly t: string };
    const parsed = parseWith(checkAuditRecord, fields);
    const next = this.#tail.seq + 1;
    if (!parsed.ok) return this.#failRow(next, parsed.problem);
    const row = parsed.value;
    if (auditRowLine(row) !== source) return this.#failRow(next, 'its line is not written as an export writes it');
    const found = auditRowProblem(row, this.#tail, this.#crypto.sha256Hex);
    if (found !== null) return this.#failRow(found.seq, found.problem);
    this.#tail = { seq: row.seq, hash: row.hash };
    this.#rowAt = row.at;
    if ((this.#witnessed.get(row.seq) ?? []).some(({ hash }) => hash !== row.hash))
      this.#failSigned('a witness has seen another row here');
  }

  #signed(value: unknown, source: string): void {
    const parsed = parseWith(checkSignedLine, value);
    if (!parsed.ok || auditSignedLine(parsed.value.t as 'head' | 'end', parsed.value.jws) !== source)
      return this.#failRow(this.#tail.seq + 1, 'its line is none of an audit export');
    const { t, jws } = parsed.value;
    if (t === 'end') return this.#close(jws);
    const head = this.#open((keys) => openAuditHead(jws, keys, this.#crypto));
    if (head === 'late') return this.#failSigned('the head behind it is signed by a link key outside its time');
    if (head === null) return this.#failSigned('the head behind it is not signed by a key that was given');
    if (!this.#isHere(head)) return;
    if (head.seq <= this.#signedSeq) return this.#failSigned('the head behind it is there twice');
    this.#signedSeq = head.seq;
    this.#heads += 1;
    this.#headsHash = chainHeads(this.#headsHash, jws, this.#crypto.sha256Hex);
  }

  #close(jws: string): void {
    const end = this.#open((keys) => openAuditExportEnd(jws, keys, this.#crypto));
    if (end === 'late') return this.#failSigned('the end of the export is signed by a link key outside its time');
    if (end === null) return this.#failSigned('the end of the export is not signed by a key that was given');
    if (!this.#isHere(end)) return;
    if (end.heads !== this.#heads || end.headsHash !== this.#headsHash)
      return this.#failSigned('a signed head was taken out, added or moved');
    const { v, controller, seq, hash, at } = end;
    this.#end = { v, controller, seq, hash, at };
  }

  /** Is a signed statement about this log, and about the row that it stands behind? */
  #isHere({ controller, seq, hash }: AuditHead): boolean {
    const tail = this.#tail;
    if (controller !== this.#controller)
      this.#failSigned('what is signed here belongs to the log of another controller');
    else if (seq !== tail.seq) this.#failSigned(`what is signed here belongs to row ${seq}`);
    else if (hash !== tail.hash) this.#failSigned('it is not the row that was signed');
    return this.#failure === null;
  }

  /** The chain holds up to here but a signature does not: the change lies behind the newest good head. */
  #failSigned(problem: string): void {
    const { seq } = this.#tail;
    const first = Math.min(this.#signedSeq + 1, Math.max(seq, 1));
    const rows = first < seq ? `One of the rows ${first} to ${seq}` : `Row ${first}`;
    this.#fail(first, `${rows} is not as signed: ${problem}`);
  }

  #failRow(seq: number, problem: string): void {
    this.#fail(seq, `Row ${seq} is bad: ${problem}`);
  }

  #fail(seq: number | null, problem: string): void {
    const sentence = problem.startsWith('Row') || problem.startsWith('One') ? problem : `The export is bad: ${problem}`;
    this.#failure ??= { ok: false, line: this.#line, seq, problem: `${sentence} (line ${this.#line}).` };
  }
}

export const createExportVerifier = (crypto: AuditCrypto, trust: ExportTrust): ExportVerifier =>
  new Verifier(crypto, trust);
