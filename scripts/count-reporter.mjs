/**
 * A vitest reporter that writes what happened to the file named by HAUBAN_TEST_REPORT, as JSON:
 * `{ passed, passedIn: { [file]: count }, failed: [{ file, name, message }], skipped: [{ file, name, reason }] }`.
 * While it goes on, the file holds the modules that ended and `running`, what runs at that moment.
 * A module that cannot be loaded and an error outside of any test count as failures.
 *
 * The reason of a skip is the note of `context.skip(note)`, else the comment "Skipped: ..." on a line above the
 * skipped test or the suite around it; a skip without a reason is a failure.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';

/** The nearest "Skipped:" comment at or above the line (1-based), at most three lines up. */
function commentAbove(file, line) {
  const lines = readFileSync(file, 'utf8').split('\n');
  for (let at = line - 1; at >= Math.max(0, line - 4); at -= 1) {
    const found = /(?:\/\/|\*)\s*Skipped:\s*(.+?)(?:\s*\*\/)?\s*$/.exec(lines[at] ?? '');
    if (found !== null) return found[1];
  }
  return undefined;
}

function reasonOf(file, test, note) {
  if (note !== undefined && note !== '') return note;
  for (let task = test; task !== undefined && task.type !== 'module'; task = task.parent) {
    const reason = task.location === undefined ? undefined : commentAbove(file, task.location.line);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** A test that never ran because a hook around it failed: the hook is the failure, counted once. */
function isBehindFailedHook(test) {
  for (let task = test.parent; task !== undefined && task.type !== 'module'; task = task.parent)
    if (task.errors().length > 0) return true;
  return test.module.errors().length > 0;
}

const messageOf = (errors) => (errors ?? []).map((error) => String(error.message ?? error)).join('\n');

function addModule(report, module) {
  const file = relative(process.cwd(), module.moduleId);
  const failures = module.errors();
  if (failures.length > 0) report.failed.push({ file, name: '(loading the file)', message: messageOf(failures) });
  for (const suite of module.children.allSuites()) {
    const errors = suite.errors();
    if (errors.length > 0) report.failed.push({ file, name: `${suite.fullName} (hook)`, message: messageOf(errors) });
  }
  for (const test of module.children.allTests()) {
    const result = test.result();
    const name = test.fullName;
    if (result.state === 'passed') {
      report.passed += 1;
      report.passedIn[file] = (report.passedIn[file] ?? 0) + 1;
    } else if (result.state === 'failed') report.failed.push({ file, name, message: messageOf(result.errors) });
    else if (!isBehindFailedHook(test)) {
      const reason = reasonOf(module.moduleId, test, result.note);
      if (reason === undefined) report.failed.push({ file, name, message: 'skipped without a reason' });
      else report.skipped.push({ file, name, reason });
    }
  }
}

const empty = () => ({ passed: 0, passedIn: {}, failed: [], skipped: [] });

export default class CountReporter {
  /** What the modules that ended said: all there is, when the run is ended from outside. */
  #soFar = empty();
  /** What runs now, by task, in the words of a person. */
  #running = new Map();

  #write(report) {
    writeFileSync(process.env.HAUBAN_TEST_REPORT, JSON.stringify(report));
  }

  #note() {
    this.#write({ ...this.#soFar, running: [...this.#running.values()] });
  }

  #starts(key, text) {
    this.#running.set(key, text);
    this.#note();
  }

  #ends(key) {
    this.#running.delete(key);
    this.#note();
  }

  onTestModuleStart(module) {
    this.#starts(module.id, relative(process.cwd(), module.moduleId));
  }

  onTestModuleEnd(module) {
    addModule(this.#soFar, module);
    this.#ends(module.id);
  }

  onTestCaseReady(test) {
    this.#starts(test.id, test.fullName);
  }

  onTestCaseResult(test) {
    this.#ends(test.id);
  }

  onHookStart({ name, entity }) {
    this.#starts(`${name} ${entity.id}`, `${name} of ${entity.fullName ?? relative(process.cwd(), entity.moduleId)}`);
  }

  onHookEnd({ name, entity }) {
    this.#ends(`${name} ${entity.id}`);
  }

  onTestRunEnd(modules, unhandledErrors) {
    const report = empty();
    for (const module of modules) addModule(report, module);
    for (const error of unhandledErrors)
      report.failed.push({ file: '', name: '(outside of any test)', message: messageOf([error]) });
    this.#write(report);
  }
}
