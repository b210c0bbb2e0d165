import { type Browser, chromium } from 'playwright-core';
import { requireProgram } from './programs.ts';

/** Starts Debian's Chromium without a window; its owner closes it. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: requireProgram('chromium'),
    // Chromium's sandbox refuses to be run by root.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
}
