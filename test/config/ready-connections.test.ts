import { describe, expect, it } from 'vitest';
import { configOf, oneListener, problemsOf } from './parsing.ts';

const corp = (keys: string): string => `${oneListener}upstreams: [{name: corp, host: mail.test${keys}}]`;

describe('readyConnections', () => {
  it.each([0, 1, 8])('of an upstream may be %d', (count) => {
    expect(configOf(corp(`, readyConnections: ${count}`)).upstreams[0]?.maxReadyConnections).toBe(count);
  });

  it.each(['-1', '9', 'many'])('of an upstream may not be %s', (count) => {
    expect(problemsOf(corp(`, readyConnections: ${count}`))).toEqual([
      expect.stringMatching(/ upstreams\[0\]\.readyConnections: .*from 0 to 8/),
    ]);
  });

  it('of all upstreams may be turned off', () => {
    expect(configOf(`${oneListener}sessions: {readyConnections: 0}`).sessions.maxReadyConnections).toBe(0);
  });

  it.each(['proxy-v2', 'xclient'])('are none where the upstream is told of the client by %s', (clientInfo) => {
    expect(problemsOf(corp(`, clientInfo: ${clientInfo}, readyConnections: 1`))).toEqual([
      expect.stringMatching(
        / upstreams\[0\]\.readyConnections: .* 0, as with `clientInfo` a connection belongs to one client$/,
      ),
    ]);
    expect(problemsOf(corp(`, clientInfo: ${clientInfo}, readyConnections: 0`))).toEqual([]);
  });
});
