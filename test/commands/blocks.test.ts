import { describe, expect, it } from 'vitest';
import { AdminRequestError } from '../../src/commands/admin-client.ts';
import { runBlocksAdd, runBlocksLift, runBlocksList } from '../../src/commands/blocks.ts';
import { type Postern, startPostern } from '../../src/commands/postern.ts';
import { UsageError } from '../../src/commands/usage-error.ts';
import { configOf } from '../config/parsing.ts';

const operator = 'operator-token-of-the-tests';
const viewer = 'viewer-token-of-the-tests';

function start(): Promise<Postern> {
  const config = configOf(`
listeners: [{name: lan, address: "127.0.0.1:0", tls: starttls, plaintextFrom: [127.0.0.0/8]}]
admin:
  address: "127.0.0.1:0"
  tokens: [{name: ops, role: operator, token: ${operator}}, {name: wall, role: viewer, token: ${viewer}}]
`);
  return startPostern(config, {
    version: '0.0.0',
    runtime: 'test',
    isTerminal: false,
    useColour: false,
    logDestination: { write: () => {} },
  });
}

/** Runs a command against a Postern; resolves to its exit code and what it printed. */
function session(postern: Postern, token = operator) {
  const access = { url: new URL(postern.admin.url), token };
  const run = async (
    command: (options: { access: typeof access; out: { write(text: string): void } }) => Promise<number>,
  ) => {
    let printed = '';
    const exitCode = await command({ access, out: { write: (text) => (printed += text) } });
    return { exitCode, printed };
  };
  return {
    list: (more: { account?: string; address?: string; json?: boolean } = {}) =>
      run((options) => runBlocksList({ ...options, ...more })),
    add: (entry: Partial<Parameters<typeof runBlocksAdd>[0]['entry']>, json?: boolean) =>
      run((options) => runBlocksAdd({ ...options, json, entry: { effect: 'block', reason: 'spam', ...entry } })),
    lift: (block: string) => run((options) => runBlocksLift({ ...options, block })),
  };
}

describe('blocks', () => {
  it('adds, lists and lifts an operator’s block of a network', async () => {
    await using postern = await start();
    const { add, list, lift } = session(postern);
    expect((await list()).printed).toBe('Nothing is blocked or exempted\n');
    const added = await add({ network: '192.0.2.0/24', length: '12h' });
    expect(added.printed).toMatch(/^Blocked: 192\.0\.2\.0\/24, until 20\d\d-\d\d-\d\d \d\d:\d\d UTC \(block\..*\)\n$/);
    const [titles, row, ...rest] = (await list({ address: '192.0.2.9' })).printed.split('\n');
    expect(titles).toMatch(/^effect +subject +until \(UTC\) +why +id$/);
    expect(row).toMatch(/^block +192\.0\.2\.0\/24 +20.{14} +spam \(ops\) +block\./);
    expect(rest).toEqual(['', '0 by limits, 1 by operators', '']);
    expect(await lift('192.0.2.0/24')).toEqual({
      exitCode: 0,
      printed: "Lifted: 192.0.2.0/24 (an operator's block)\n",
    });
    expect((await list()).printed).toBe('Nothing is blocked or exempted\n');
  });

  it('exempts an account until that is taken back, by its id', async () => {
    await using postern = await start();
    const { add, list, lift } = session(postern);
    const { id } = JSON.parse((await add({ effect: 'allow', account: 'Boss@corp.test' }, true)).printed);
    expect(JSON.parse((await list({ account: 'boss@corp.test', json: true })).printed)).toMatchObject([
      { id, effect: 'allow', subject: 'boss@corp.test', until: null, by: 'ops' },
    ]);
    expect((await list()).printed).toMatch(/^allow +boss@corp\.test +no end +spam \(ops\)/m);
    expect((await lift(id)).exitCode).toBe(0);
    expect((await lift(id)).exitCode).toBe(1);
  });

  it('says in one line what is wrong with an entry', async () => {
    await using postern = await start();
    const { add } = session(postern);
    await expect(add({})).rejects.toThrow(UsageError);
    await expect(add({ account: 'a@b', network: '10.0.0.0/8' })).rejects.toThrow('give either --network or --account');
    await expect(add({ account: 'a@b', length: 'soon' })).rejects.toThrow(
      'Cannot add a block for "soon": give a duration',
    );
    await expect(add({ network: '10.0.0.1/8' })).rejects.toThrow(/: "network" must be an address, or a network/);
  });

  it('lets a viewer list and nothing else', async () => {
    await using postern = await start();
    const { add, list } = session(postern, viewer);
    expect((await list()).exitCode).toBe(0);
    await expect(add({ account: 'a@b' })).rejects.toThrow(AdminRequestError);
    await expect(add({ account: 'a@b' })).rejects.toThrow('The token "wall" has the role viewer');
  });

  it('says that there is nothing to lift', async () => {
    await using postern = await start();
    expect(await session(postern).lift('192.0.2.1')).toEqual({
      exitCode: 1,
      printed: 'There is no block with the id or subject "192.0.2.1"\n',
    });
  });
});
