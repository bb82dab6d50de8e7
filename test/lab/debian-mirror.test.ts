import { describe, expect, it } from 'vitest';
import { parseDebianMirror } from './debian-mirror.ts';

const one = (name: string, text: string) => parseDebianMirror([{ name, text }]);

describe("the Debian mirror of this machine's apt", () => {
  it('is found in the one-line style, past options and add-on archives', () => {
    const text = [
      '# deb http://commented.example/debian bookworm main',
      'deb-src http://sources.example/debian bookworm main',
      'deb [signed-by=/usr/share/keyrings/x.gpg] https://addon.example/apt stable main',
      'deb http://security.example/debian-security bookworm-security main',
      'deb [arch=amd64 trusted=no] http://mirror.example/debian/ bookworm main contrib',
    ].join('\n');
    expect(one('sources.list', text)).toBe('http://mirror.example/debian/');
  });

  it('is found in the deb822 style, with comments and folded lines', () => {
    const text = [
      'Types: deb',
      'URIs: http://off.example/debian',
      'Suites: bookworm',
      'Enabled: no',
      '',
      'Types: deb deb-src',
      '# a note',
      'URIs:',
      ' http://mirror.example/debian',
      'Suites: bookworm bookworm-updates',
      'Components: main',
    ].join('\n');
    expect(one('debian.sources', text)).toBe('http://mirror.example/debian');
  });

  it('is null when apt knows no Debian archive', () => {
    expect(one('sources.list', 'deb cdrom:[Debian]/ bookworm main\n')).toBeNull();
  });
});
