import { describe, expect, test } from 'vitest';
import { catalog } from '../../src/providers/catalog.ts';
import { findProvider, searchProviders } from '../../src/providers/look-up.ts';

function idsFor(query: string): readonly string[] {
  return searchProviders(query).map(({ id }) => id);
}

describe(findProvider, () => {
  test.each([
    ['an id', 'att', 'att'],
    ['a domain', 'sbcglobal.net', 'att'],
    ['the last domain of a long list', catalog.find(({ id }) => id === 'mail-com')?.domains.at(-1) ?? '', 'mail-com'],
    ['a domain in capitals', 'GMail.COM', 'gmail'],
    ['an address', 'Jo@home@web.de', 'web-de'],
    ['a domain with space around it', ' posteo.de\n', 'posteo'],
  ])('finds the provider by %s', (_, query, id) => {
    expect(findProvider(query)?.id).toBe(id);
  });

  test('finds every provider by its id and by each of its domains', () => {
    for (const provider of catalog) {
      for (const key of [provider.id, ...provider.domains]) expect(findProvider(key)).toBe(provider);
    }
  });

  test.each(['', '@', 'example.com', 'mail.gmail.com', 'gmai', 'constructor', 'inbound.att.net'])(
    'finds nothing by %j, which is no id and no claimed domain',
    (query) => {
      expect(findProvider(query)).toBeUndefined();
    },
  );
});

describe(searchProviders, () => {
  test.each([
    ['id', 'netease', ['netease-163', 'netease-126']],
    ['name', 'road runner', ['roadrunner']],
    ['domain', 'pacbell', ['att']],
    ['host', 'secureserver', ['godaddy']],
  ])('finds by a part of the %s', (_, query, ids) => {
    expect(idsFor(query)).toEqual(ids);
  });

  test('finds whatever the letter case', () => {
    expect(idsFor('PaCBeLL')).toEqual(['att']);
    expect(idsFor('yahoo! Japan')).toEqual(['yahoo-jp']);
  });

  test('puts the provider first that the query names exactly', () => {
    expect(idsFor('mail.com')[0]).toBe('mail-com');
    expect(idsFor('mail.com')).toContain('gmail');
    expect(new Set(idsFor('mail.com')).size).toBe(idsFor('mail.com').length);
  });

  test('looks for the domain of an address', () => {
    expect(idsFor('gmail@wp.pl')).toEqual(['wp']);
  });

  test('finds the whole catalog for an empty query', () => {
    expect(searchProviders(' ')).toEqual(catalog);
  });

  test('finds nothing where nothing matches', () => {
    expect(searchProviders('nothing.example')).toEqual([]);
  });
});
