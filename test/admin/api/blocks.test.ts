import { describe, expect, it } from 'vitest';
import type { Block } from '../../../src/guard/block.ts';
import { StoreUnavailable } from '../../../src/proxy/store-unavailable.ts';
import { addressBlock, appWith, expectProblem, fakeGuard, nowMs, planted } from '../ports.ts';

const pair: Block = { ...addressBlock, id: 'b2', limit: 'perAddressAndAccount', subject: 'a@att.net from 192.0.2.7' };
const entry: Block = {
  id: 'm1',
  effect: 'allow',
  origin: 'manual',
  subject: '10.0.0.0/8',
  reason: 'office',
  by: 'ops',
};
const domain: Block = { ...entry, id: 'm2', effect: 'block', subject: '*@att.net', untilMs: 1_750_000_000_000 };

function appWithBlocks(blocks: readonly Block[] = [addressBlock, pair, entry, domain]) {
  const done: string[] = [];
  return { ...appWith({ guard: fakeGuard(done, blocks) }), done };
}

async function idsOf(response: Response): Promise<readonly string[]> {
  const { blocks } = await response.json();
  return blocks.map(({ id }: { id: string }) => id);
}

describe('GET /api/v1/blocks', () => {
  it('shows blocks and entries, those that end last first', async () => {
    const { asViewer } = appWithBlocks([domain, addressBlock, entry]);
    const body = await (await asViewer('/api/v1/blocks')).json();
    expect(body).toMatchObject({ total: 3, blocks: [{ id: 'm1' }, { id: 'b1' }, { id: 'm2' }], nextCursor: null });
    expect(body.blocks[1]).toEqual({
      id: 'b1',
      effect: 'block',
      origin: 'automatic',
      limit: 'perAddress',
      subject: '192.0.2.7',
      until: '2027-01-15T08:00:00.000Z',
      strikes: 1,
      reason: null,
      by: null,
      addedAt: null,
    });
  });

  it.each([
    ['account=A%40att.net', ['b2', 'm2']],
    ['account=att.net', []],
    ['address=10.9.8.7', ['m1']],
    ['address=192.0.2.7', ['b1', 'b2']],
    ['address=2001:db8::1', []],
    ['subject=10.0.0.0/8', ['m1']],
    ['limitName=perAddress', ['b1']],
    ['origin=manual', ['m1', 'm2']],
    ['origin=manual&effect=block', ['m2']],
  ])('finds by %s', async (query, ids) => {
    expect(await idsOf(await appWithBlocks().asViewer(`/api/v1/blocks?${query}`))).toEqual(ids);
  });

  it('goes from page to page, also when a block ends in between', async () => {
    const blocks = Array.from({ length: 5 }, (_, index) => ({
      ...addressBlock,
      id: `b${index}`,
      untilMs: nowMs + index,
    }));
    const { asOperator } = appWithBlocks(blocks);
    const first = await (await asOperator('/api/v1/blocks?limit=2')).json();
    expect(first.blocks.map(({ id }: Block) => id)).toEqual(['b4', 'b3']);
    await asOperator('/api/v1/blocks/b3', 'DELETE');
    const second = await (await asOperator(`/api/v1/blocks?limit=2&cursor=${first.nextCursor}`)).json();
    expect(second.blocks.map(({ id }: Block) => id)).toEqual(['b2', 'b1']);
    const third = await (await asOperator(`/api/v1/blocks?limit=2&cursor=${second.nextCursor}`)).json();
    expect(third).toMatchObject({ blocks: [{ id: 'b0' }], nextCursor: null });
  });

  it.each(['address=somewhere', 'limitName=perMoon', 'origin=divine', 'limit=0', 'cursor=%2F'])(
    'refuses %s',
    async (query) => {
      const [name = ''] = query.split('=');
      expect(await expectProblem(await appWithBlocks().asViewer(`/api/v1/blocks?${query}`), 400)).toContain(
        `"${name}" must be`,
      );
    },
  );
});

describe('POST /api/v1/blocks', () => {
  const add = (body: unknown) => {
    const app = appWithBlocks();
    return { ...app, response: app.send('/api/v1/blocks', { body: JSON.stringify(body) }) };
  };

  it('adds an entry in the name of the token, and says where it is', async () => {
    const { response, done, actions } = add({ network: '192.0.2.0/24', reason: ' spam ', durationSeconds: 3_600 });
    const answer = await response;
    expect(answer.status).toBe(201);
    expect(answer.headers.get('Location')).toBe('/api/v1/blocks/m1');
    expect(await answer.json()).toMatchObject({
      effect: 'block',
      subject: '192.0.2.0/24',
      reason: 'spam',
      by: 'ops',
      until: new Date(nowMs + 3_600_000).toISOString(),
    });
    expect(done).toEqual(['ops adds block 192.0.2.0/24']);
    expect(actions).toMatchObject([{ action: 'addBlock', by: 'ops', target: 'block 192.0.2.0/24', result: 'done' }]);
  });

  it('exempts an account, without an end', async () => {
    const { response, done } = add({ effect: 'allow', account: 'Boss@att.net', reason: 'travels' });
    expect(await (await response).json()).toMatchObject({ effect: 'allow', subject: 'boss@att.net', until: null });
    expect(done).toEqual(['ops adds allow boss@att.net']);
  });

  it.each([
    ['either', { reason: 'why' }],
    ['either', { network: '10.0.0.0/8', account: 'a@b', reason: 'why' }],
    ['"network" must be', { network: '10.0.0.1/8', reason: 'why' }],
    ['"network" must be', { network: 'home', reason: 'why' }],
    ['"account" must be', { account: 'a*@b', reason: 'why' }],
    ['"reason" must', { account: 'a@b' }],
    ['"reason" must', { account: 'a@b', reason: '  ' }],
    ['"reason" must', { account: 'a@b', reason: 'two\nlines' }],
    ['"durationSeconds" must be', { account: 'a@b', reason: 'why', durationSeconds: 0 }],
    ['"durationSeconds" must be', { account: 'a@b', reason: 'why', durationSeconds: '1h' }],
    ['"forever" is not known', { account: 'a@b', reason: 'why', forever: true }],
  ])('says %s for %j, and adds nothing', async (text, body) => {
    const { response, done } = add(body);
    expect(await expectProblem(await response, 400)).toContain(text);
    expect(done).toEqual([]);
  });

  it('passes on why the guard refuses an entry', async () => {
    const refusal = Object.assign(new Error('Cannot add more than 10000 entries'), { name: 'EntryRefused' });
    const { send, actions, errors } = appWith({ guard: { ...fakeGuard([]), addEntry: () => Promise.reject(refusal) } });
    const response = await send('/api/v1/blocks', { body: JSON.stringify({ account: 'a@b', reason: 'why' }) });
    expect(await expectProblem(response, 400)).toBe(refusal.message);
    expect(actions).toMatchObject([{ action: 'addBlock', result: 'refused' }]);
    expect(errors).toEqual([]);
  });
});

describe('DELETE /api/v1/blocks/{id}', () => {
  it('lifts a block once, and leaves a record each time', async () => {
    const { asOperator, done, actions } = appWithBlocks();
    expect((await asOperator('/api/v1/blocks/b1', 'DELETE')).status).toBe(204);
    expect(done).toEqual(['ops lifts b1']);
    await expectProblem(await asOperator('/api/v1/blocks/b1', 'DELETE'), 404);
    expect(actions).toMatchObject([
      { action: 'liftBlock', target: 'b1', result: 'done' },
      { action: 'liftBlock', target: 'b1', result: 'not_found' },
    ]);
  });

  it('answers 503 while the store cannot be asked, reports why, and leaves a record', async () => {
    const fail = () => Promise.reject(new StoreUnavailable(`redis://:${planted}@127.0.0.1`));
    const guard = { listBlocks: fail, liftBlock: fail, addEntry: fail, describeAccount: fail };
    const { asOperator, send, errors, actions } = appWith({ guard });
    expect(await expectProblem(await asOperator('/api/v1/blocks'), 503)).not.toContain(planted);
    await expectProblem(await asOperator('/api/v1/blocks/b1', 'DELETE'), 503);
    await expectProblem(await asOperator('/api/v1/accounts/a@att.net'), 503);
    await expectProblem(await send('/api/v1/blocks', { body: JSON.stringify({ account: 'a@b', reason: 'why' }) }), 503);
    expect(errors).toHaveLength(4);
    expect(actions.map(({ result }) => result)).toEqual(['failed', 'failed']);
  });
});
