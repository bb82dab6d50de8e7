import { describe, expect, it } from 'vitest';
import { parseSimulation } from './apt-simulation.ts';

const line = (origin: string, name = 'libc6'): string =>
  `Inst ${name} [2.36-9+deb12u9] (2.36-9+deb12u10 ${origin} [amd64]) []`;

describe('what apt would bring', () => {
  it.each([
    ['Debian’s security archive', 'Debian-Security:12/oldstable-security', true],
    ['Debian’s point release', 'Debian:12.9/oldstable', false],
    ['both have it', 'Debian:12.9/oldstable, Debian-Security:12/oldstable-security', true],
    ['Ubuntu’s security pocket', 'Ubuntu:24.04/noble-security', true],
    ['Ubuntu’s updates and security pockets', 'Ubuntu:24.04/noble-updates, Ubuntu:24.04/noble-security', true],
    ['Ubuntu’s updates only', 'Ubuntu:24.04/noble-updates', false],
    ['somebody’s archive with security in its name', 'my-security-tools:1/stable', false],
    ['somebody’s archive that calls its suite so', 'Somebody:12/oldstable-security', false],
  ])('%s', (_what, origin, isSecurity) => {
    expect(parseSimulation(line(origin))).toEqual([
      { name: 'libc6', architecture: 'amd64', from: '2.36-9+deb12u9', to: '2.36-9+deb12u10', origin, isSecurity },
    ]);
  });

  it('new packages, configuration lines and noise are no updates', () => {
    const text = `Reading package lists...\nInst fresh (1.0 Debian:12/stable [all])\nConf libc6 (2.36 Debian:12 [amd64])\n`;
    expect(parseSimulation(text)).toEqual([]);
  });

  it('a foreign architecture is told by the brackets, not by the name', () => {
    expect(parseSimulation('Inst libc6:i386 [1] (2 Debian-Security:12/x [i386])')[0]).toMatchObject({
      name: 'libc6',
      architecture: 'i386',
    });
  });
});
