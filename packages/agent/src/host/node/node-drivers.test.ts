import { describe, expect, it } from 'vitest';
import { newestKernel } from './node-drivers.ts';

describe('the newest kernel', () => {
  it.each([
    ['numbers are numbers', '6.1.0-9-amd64', ['6.1.0-9-amd64', '6.1.0-10-amd64'], '6.1.0-10-amd64'],
    ['an older one is there too', '6.1.0-10-amd64', ['6.1.0-9-amd64'], '6.1.0-10-amd64'],
    ['another flavour is not its successor', '6.1.0-9-amd64', ['6.5.0-1-cloud-amd64'], '6.1.0-9-amd64'],
    ['nothing in /boot (a container)', '6.18.5', [], '6.18.5'],
  ])('%s', (_what, running, installed, newest) => {
    expect(newestKernel(running, installed)).toBe(newest);
  });
});
