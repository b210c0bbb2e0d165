import { mainFile } from '../e2e/postern-process.ts';
import type { CommandLine } from '../support/process.ts';
import { requireProgram } from '../support/programs.ts';

/** Postern on Deno with what it needs: never all permissions, and nothing to write, to run or to load from elsewhere. */
export function deno(...permissions: readonly string[]): CommandLine {
  return [
    requireProgram('deno'),
    'run',
    '--no-prompt',
    '--no-lock',
    '--no-remote',
    '--node-modules-dir=manual',
    // Packages ask for variables of their own; to them there are none.
    '--ignore-env',
    '--allow-sys=hostname',
    ...permissions,
    mainFile,
  ];
}
