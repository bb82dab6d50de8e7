import {
  decodeAttach,
  encodeAttach,
  encodeCredit,
  encodeOutput,
  encodeResize,
  SHELL_OPS,
  type ShellFrame,
  type ShellOp,
} from '@hauban/shared/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { ShellHub, type ConnectedViewer, type ShellLink, type ShellViewer } from './shell-hub.ts';

const SESSION = '6f9619ff-8b86-4d01-b42d-00c04fc964ff';
const NODE = 'node-1';

/** A node's link that keeps what was sent. */
class TestLink implements ShellLink {
  readonly session: string;
  readonly sent: ShellFrame[] = [];
  outcome: 'sent' | 'stop' | 'closed' = 'sent';
  drained: () => void = () => undefined;

  constructor(session: string) {
    this.session = session;
  }

  sendShell(frame: ShellFrame): 'sent' | 'stop' | 'closed' {
    if (this.outcome !== 'closed') this.sent.push(frame);
    return this.outcome;
  }

  onceDrained(callback: () => void): void {
    this.drained = callback;
  }

  get ops(): readonly ShellOp[] {
    return this.sent.map(({ op }) => op);
  }

  /** Offsets that were asked for. */
  get attached(): readonly (number | null)[] {
    return this.sent.flatMap(({ op, body }) => (op === SHELL_OPS.attach ? [decodeAttach(body)] : []));
  }
}

class TestViewer implements ShellViewer {
  readonly got: Buffer[] = [];
  closed: number | null = null;
  isPaused = false;

  send(message: Uint8Array): void {
    this.got.push(Buffer.from(message));
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  close(code: number): void {
    this.closed = code;
  }

  /** Output that has bytes. */
  get text(): string {
    return this.got
      .filter((message) => message[0] === SHELL_OPS.output)
      .map((message) => message.subarray(9).toString())
      .join('');
  }
}

const message = (op: number, body: Uint8Array = new Uint8Array(0)): Uint8Array =>
  Buffer.concat([Buffer.from([op]), body]);

let link: TestLink | null;
let hub: ShellHub;
let viewer: TestViewer;
let seat: ConnectedViewer;
beforeEach(() => {
  link = new TestLink('link-1');
  hub = new ShellHub((nodeId) => (nodeId === NODE ? link : null));
  viewer = new TestViewer();
  seat = hub.connect(SESSION, NODE, viewer);
});

function now(): TestLink {
  if (link === null) throw new Error('no link');
  return link;
}
const attach = (offset: number, who = seat): boolean => who.message(message(SHELL_OPS.attach, encodeAttach(offset)));
const fromNode = (offset: number, text: string, from = 'link-1', nodeId = NODE): void =>
  hub.frame(
    { nodeId, session: from },
    { op: SHELL_OPS.output, session: SESSION, body: encodeOutput(offset, Buffer.from(text)) },
  );
const answer = (offset: number, from = 'link-1'): void => fromNode(offset, '', from);

describe('the hub of shells', () => {
  it('passes output and input through, and credit is the viewer’s own', () => {
    attach(0);
    answer(0);
    fromNode(0, 'hello');
    expect(viewer.text).toBe('hello');
    seat.message(message(SHELL_OPS.input, Buffer.from('ls\r')));
    seat.message(message(SHELL_OPS.credit, encodeCredit(5)));
    seat.message(message(SHELL_OPS.resize, encodeResize(80, 24)));
    seat.message(message(SHELL_OPS.close));
    expect(now().ops).toEqual([SHELL_OPS.attach, SHELL_OPS.input, SHELL_OPS.credit, SHELL_OPS.resize, SHELL_OPS.close]);
  });

  it('SHELL6 sends nothing that was typed before attach', () => {
    expect(seat.message(message(SHELL_OPS.input, Buffer.from('rm')))).toBe(true);
    expect(now().sent).toEqual([]);
  });

  it.each([
    ['an operation of a node', message(SHELL_OPS.output, new Uint8Array(8))],
    ['an exit', message(SHELL_OPS.exit)],
    ['a detach, which is ours to say', message(SHELL_OPS.detach)],
    ['an unknown operation', message(99)],
    ['nothing', new Uint8Array(0)],
    ['attach without offset', message(SHELL_OPS.attach)],
    ['a size of zero', message(SHELL_OPS.resize, encodeResize(0, 1))],
    ['credit of the wrong length', message(SHELL_OPS.credit, new Uint8Array(3))],
    ['close with a body', message(SHELL_OPS.close, new Uint8Array(3))],
  ])('refuses %s from a viewer', (_attack, bytes) => {
    expect(seat.message(bytes)).toBe(false);
    expect(now().sent).toEqual([]);
  });

  it('passes over frames of another node and of another link', () => {
    attach(0);
    answer(0);
    fromNode(0, 'forged', 'link-1', 'node-2');
    fromNode(0, 'old', 'link-0');
    fromNode(0, 'true');
    expect(viewer.text).toBe('true');
  });

  it('SHELL5 drops what was under way from before an attach: no gap and nothing twice', () => {
    attach(0);
    answer(0);
    fromNode(0, '0123456789');
    seat.gone();
    expect(now().ops.at(-1)).toBe(SHELL_OPS.detach);
    const second = new TestViewer();
    const again = hub.connect(SESSION, NODE, second);
    attach(4, again);
    fromNode(10, 'under way');
    answer(4);
    fromNode(4, '456789under way');
    expect(second.text).toBe('456789under way');
    expect(now().attached).toEqual([0, 4]);
  });

  it('SHELL5 an attachment that was not answered when its viewer left does not answer the next one', () => {
    attach(0);
    seat.gone();
    const second = new TestViewer();
    attach(0, hub.connect(SESSION, NODE, second));
    answer(0);
    fromNode(0, 'for the first');
    answer(0);
    fromNode(0, 'for the second');
    expect(second.text).toBe('for the second');
  });

  it('a second viewer takes over: the first is closed, and is nobody from then on', () => {
    attach(0);
    answer(0);
    const second = new TestViewer();
    const other = hub.connect(SESSION, NODE, second);
    expect(viewer.closed).toBe(4411);
    seat.message(message(SHELL_OPS.input, Buffer.from('x')));
    seat.gone();
    expect(now().ops).toEqual([SHELL_OPS.attach]);
    attach(0, other);
    answer(0);
    fromNode(0, 'yours');
    expect(second.text).toBe('yours');
    expect(viewer.text).toBe('');
  });

  it('SHELL5 goes on by itself from where the viewer is when the link is back', () => {
    attach(0);
    answer(0);
    fromNode(0, 'before');
    hub.linkLost({ session: 'link-1' });
    link = null;
    expect(seat.message(message(SHELL_OPS.input, Buffer.from('lost')))).toBe(true);
    link = new TestLink('link-2');
    hub.opened(NODE, SESSION);
    hub.opened(NODE, SESSION);
    expect(now().attached).toEqual([6]);
    answer(6, 'link-2');
    fromNode(6, ' after', 'link-2');
    expect(viewer.text).toBe('before after');
  });

  it('a viewer who comes while the node is away is attached when it is back', () => {
    link = null;
    attach(3);
    link = new TestLink('link-2');
    hub.opened(NODE, SESSION);
    expect(now().attached).toEqual([3]);
  });

  it('reads nothing from the viewer while the link is full', () => {
    attach(0);
    now().outcome = 'stop';
    seat.message(message(SHELL_OPS.input, Buffer.from('much')));
    expect(viewer.isPaused).toBe(true);
    now().drained();
    expect(viewer.isPaused).toBe(false);
  });

  it('tells the exit, whoever says it, and closes', () => {
    attach(0);
    answer(0);
    const exit = { ending: 'exited', status: 0, signal: null, leftOver: 0, detail: 'x' } as const;
    hub.frame(
      { nodeId: NODE, session: 'link-1' },
      { op: SHELL_OPS.exit, session: SESSION, body: Buffer.from(JSON.stringify(exit)) },
    );
    expect(viewer.got.at(-1)?.[0]).toBe(SHELL_OPS.exit);
    expect(viewer.closed).toBe(1000);
    hub.ended(SESSION, exit);
    expect(hub.size).toBe(0);
  });
});
