import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';

/** Debian's Chromium; nothing is downloaded. */
const CHROMIUM = '/usr/bin/chromium';
const SHOTS = join(process.cwd(), 'test-results/screenshots');

export const hasChromium = (): boolean => existsSync(CHROMIUM);

/** Without the background flags a browser asks for hosts that a closed network refuses, many at a time. */
export async function launchBrowser(): Promise<Browser> {
  mkdirSync(SHOTS, { recursive: true });
  return await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** A passkey that lives in the browser and always says yes, as a touched security key does. */
export async function addVirtualPasskey(page: Page, transport: 'internal' | 'usb' = 'internal'): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport,
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
}

/** Tells whatever the content policy stops on this page from its next load on, in one line each. */
export async function watchPolicy(page: Page, tell: (what: string) => void): Promise<void> {
  await page.exposeFunction('tellViolation', tell);
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective, sourceFile, lineNumber, sample }) => {
      const where = `${sourceFile}:${lineNumber} ${sample}`.trim();
      const { tellViolation } = window as unknown as { tellViolation: (what: string) => void };
      tellViolation(`content policy: ${effectiveDirective} on ${location.pathname} by ${where}`);
    });
  });
}

export async function shoot(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}
