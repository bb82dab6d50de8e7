import { describe, expect, it } from 'vitest';
import { parseControllerUrl } from './controller-url.ts';

describe('the address of a controller', () => {
  it.each([
    ['https://hauban.example', 'wss://hauban.example/link'],
    ['http://127.0.0.1:7460/', 'ws://127.0.0.1:7460/link'],
    ['wss://hauban.example:8443/behind/link', 'wss://hauban.example:8443/behind/link'],
  ])('%s is dialled at its link', (text, value) => {
    expect(parseControllerUrl(text)).toEqual({ ok: true, value });
  });

  it.each([
    ['no address', 'must begin with'],
    ['ftp://hauban.example', 'must begin with'],
    ['javascript:alert(1)', 'must begin with'],
    ['https://hauban.example@evil.example', 'without user, query and fragment'],
    ['https://:secret@hauban.example', 'without user, query and fragment'],
    ['https://hauban.example/?next=https://evil.example', 'without user, query and fragment'],
    ['https://hauban.example/#/link', 'without user, query and fragment'],
    ['https://hauban.example/admin', 'must be left out or end with /link'],
  ])('%s is refused in one sentence', (text, says) => {
    expect(parseControllerUrl(text)).toEqual({ ok: false, problem: expect.stringContaining(says) as string });
  });
});
