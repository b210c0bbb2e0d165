import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigurationError, readConfigurationFile } from '../../src/commands/configuration-file.ts';
import { mainFile } from '../e2e/postern-process.ts';
import { runProcess } from '../support/process.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';

const listener = (name: string): string => `listeners: [{name: ${name}, address: "127.0.0.1:0", tls: implicit}]\n`;

/** Runs a command in a directory that has a postern.yaml. */
async function check(args: readonly string[], options: { readonly variable?: string; readonly input?: string } = {}) {
  await using directory = await createTemporaryDirectory('configuration');
  await writeFile(join(directory.path, 'postern.yaml'), listener('of-the-file'));
  await writeFile(join(directory.path, 'secret'), 'a-secret-in-a-file-here\n');
  const { variable, input = '' } = options;
  const env = { NO_COLOR: '1', ...(variable !== undefined && { POSTERN_CONFIG_YAML: variable }) };
  const command = [process.execPath, mainFile, 'check', ...args] as const;
  const { code, stdout, stderr } = await runProcess(command, { cwd: directory.path, env, input, timeoutMs: 15_000 });
  return { code, stdout: stdout.toString(), stderr };
}

describe('the configuration', () => {
  it('is ./postern.yaml where nothing else is said', async () => {
    expect((await check([])).stdout).toMatch(/^postern\.yaml is valid: 1 listener, .*\n {2}listener of-the-file /);
    expect((await check([], { variable: ' \n' })).stdout).toMatch(/^postern\.yaml is valid/);
  });

  it('is the text of POSTERN_CONFIG_YAML rather than that', async () => {
    const { stdout } = await check([], { variable: listener('of-the-variable') });
    expect(stdout).toMatch(/^POSTERN_CONFIG_YAML is valid: .*\n {2}listener of-the-variable /);
  });

  it('is all of what comes to standard input, however slowly', async () => {
    const slowly = `{ sleep 0.3; printf '%s' '${listener('of-the-pipe')}'; sleep 0.3; head -c 100000 /dev/zero | tr '\\0' '#'; }`;
    const command = ['sh', '-c', `${slowly} | "$0" "$1" check --config -`, process.execPath, mainFile] as const;
    const { stdout } = await runProcess(command, { timeoutMs: 15_000 });
    expect(stdout.toString()).toMatch(/^standard input is valid: .*\n {2}listener of-the-pipe /);
  });

  it('is what --config names rather than either: a file, or standard input', async () => {
    const options = { variable: listener('of-the-variable'), input: listener('of-the-input') };
    expect((await check(['--config', 'postern.yaml'], options)).stdout).toMatch(/^postern\.yaml is valid/);
    const { stdout } = await check(['--config', '-'], options);
    expect(stdout).toMatch(/^standard input is valid: .*\n {2}listener of-the-input /);
  });

  it('names files from where Postern was started, where it is no file itself', async () => {
    const input = `${listener('lan')}admin: {tokens: [{name: ops, role: viewer, token: {file: secret}}]}\n`;
    expect((await check(['--config', '-'], { input })).stdout).toContain('1 token');
  });

  it('is complained of by the name of its place, with the line', async () => {
    const variable = `${listener('lan')}colour: blue\n`;
    expect(await check([], { variable })).toMatchObject({
      code: 78,
      stderr: expect.stringMatching(/^POSTERN_CONFIG_YAML:2: colour: /),
    });
  });

  it('is read again from its file, and stays what it was elsewhere', async () => {
    await using directory = await createTemporaryDirectory('configuration');
    const path = join(directory.path, 'own.yaml');
    await writeFile(path, 'before');
    const file = readConfigurationFile(path, {});
    const variable = readConfigurationFile(undefined, { POSTERN_CONFIG_YAML: 'text' });
    await writeFile(path, 'after');
    expect([file?.text, file?.readAgain(), variable?.readAgain()]).toEqual(['before', 'after', 'text']);
    expect(() => readConfigurationFile(join(directory.path, 'none'), {})).toThrow(ConfigurationError);
  });
});
