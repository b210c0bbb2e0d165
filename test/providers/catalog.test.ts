import { describe, expect, test } from 'vitest';
import { catalog } from '../../src/providers/catalog.ts';

const hostName = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/;
const domains = catalog.flatMap((provider) => provider.domains);

function repeated(values: readonly string[]): readonly string[] {
  return values.filter((value, index) => values.indexOf(value) !== index);
}

describe('catalog', () => {
  test('holds the 88 providers and 626 domains that were collected', () => {
    expect(catalog).toHaveLength(88);
    expect(domains).toHaveLength(626);
  });

  test('gives every provider an id of its own', () => {
    expect(repeated(catalog.map(({ id }) => id))).toEqual([]);
  });

  test('has each domain claimed by one provider only', () => {
    expect(repeated(domains)).toEqual([]);
  });

  test('spells domains as lower-case host names', () => {
    expect(domains.filter((domain) => !hostName.test(domain))).toEqual([]);
  });

  // The command line takes ids and domains in one place.
  test('has no id that could be taken for a domain', () => {
    expect(catalog.map(({ id }) => id).filter((id) => !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(id))).toEqual([]);
  });

  // Replies to clients and table cells carry them.
  test('spells names in printable ASCII without space around them', () => {
    expect(catalog.map(({ name }) => name).filter((name) => !/^[!-~](?:[ -~]*[!-~])?$/.test(name))).toEqual([]);
  });
});

describe.each(catalog)('catalog entry $id', ({ pop3, password, minPollSeconds, notes, sources, id }) => {
  test('reaches a named host under TLS on the port that fits, or has no POP3', () => {
    if (pop3 === undefined) {
      expect(['icloud', 'proton']).toContain(id);
    } else {
      expect(pop3.host).toMatch(hostName);
      expect([pop3.port, pop3.tls]).toEqual(pop3.tls === 'implicit' ? [995, 'implicit'] : [110, 'starttls']);
    }
  });

  test('gives its optional facts in sensible values', () => {
    expect(minPollSeconds ?? 1).toBeGreaterThan(0);
    expect(notes ?? 'x').toMatch(/^\S(?:[^\r\n]*\S)?$/);
    if (password === 'oauth-only') expect(['outlook-com', 'microsoft365']).toContain(id);
  });

  test('names where its facts were seen', () => {
    if (id !== 'proton') expect(sources.length).toBeGreaterThan(0);
    expect(repeated(sources)).toEqual([]);
    expect(sources.filter((source) => source.trim() !== source || source === '')).toEqual([]);
  });
});
