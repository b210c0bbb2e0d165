import { describe, expect, test } from 'vitest';
import { runProviders } from '../../src/commands/providers.ts';
import { catalog } from '../../src/providers/catalog.ts';
import { searchProviders } from '../../src/providers/look-up.ts';

function run(query?: string, json?: boolean): { exitCode: number; text: string; lines: readonly string[] } {
  let text = '';
  const write = (part: string) => {
    text += part;
  };
  const exitCode = runProviders({ query, json, out: { write } });
  return { exitCode, text, lines: text.split('\n') };
}

describe(runProviders, () => {
  test('prints every provider in a table of at most 120 columns without a query', () => {
    const { exitCode, lines } = run();
    expect(exitCode).toBe(0);
    expect(lines[0]).toMatch(/^id +name +POP3 server +TLS +user name +password +domains$/);
    expect(lines.slice(1, 1 + catalog.length).map((line) => line.split(' ')[0])).toEqual(catalog.map(({ id }) => id));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
    expect(lines.slice(1 + catalog.length)).toEqual([
      '',
      '88 providers, 626 domains',
      'Not served (no POP3): icloud, proton',
      'Not served (OAuth sign-in only, no passwords): outlook-com, microsoft365',
      '',
    ]);
  });

  test('aligns the rows, and the counts to the right', () => {
    const rows = run().lines.slice(0, 1 + catalog.length);
    const hostColumn = rows[0]?.indexOf('POP3 server') ?? -1;
    expect(rows.filter((row) => !/^ {2}\S/.test(row.slice(hostColumn - 2)))).toEqual([]);
    expect(new Set(rows.map((row) => row.length)).size).toBe(1);
  });

  test.each([
    ['bellsouth.net', /^att +AT&T Mail.* inbound\.att\.net:995 +implicit +address +secure-mail-key +12$/],
    ['tim-it', /^tim-it +TIM Mail \(IT\) +pop\.tim\.it:110 +starttls +address +not known +1$/],
    ['someone@wp.pl', /^wp +Poczta Wirtualna Polska +pop3\.wp\.pl:995 +implicit +localpart +not known +1$/],
    ['icloud', /^icloud +iCloud Mail +no POP3 +- +- +- +3$/],
    ['outlook-com', /^outlook-com +Outlook\.com .* outlook\.office365\.com:995 +implicit +address +OAuth only +103$/],
  ])('prints the facts of the provider that %s names', (query, row) => {
    const { exitCode, lines } = run(query);
    expect(exitCode).toBe(0);
    expect(lines[1]).toMatch(row);
  });

  test('adds notes, domains and sources where the query narrows to a few', () => {
    const { text } = run('web.de');
    expect(text).toContain(
      '\n\nweb-de: WEB.DE\n  domains  web.de\n  checks   at most every 900 seconds\n  notes    POP3',
    );
    expect(text).toContain('\n  sources  thunderbird/autoconfig');
  });

  test('prints a shortened name in full among the details', () => {
    const { lines } = run('prodigy.net');
    expect(lines[1]).toContain('AT&T Mail (att.net family...  ');
    expect(lines).toContain('att: AT&T Mail (att.net family, currently.com)');
  });

  test('adds details of the provider that the query names among many', () => {
    const { lines } = run('mail.com');
    expect(searchProviders('mail.com').length).toBeGreaterThan(3);
    expect(lines.filter((line) => /^\S+: /.test(line))).toEqual(['mail-com: mail.com']);
    expect(lines.join('\n')).toMatch(/ and 161 more \(all of them with --json\)\n/);
  });

  test('prints no details where many match and none is named', () => {
    const { text } = run('.fr');
    expect(searchProviders('.fr').length).toBeGreaterThan(3);
    expect(text).not.toContain('  sources  ');
  });

  test('says how to reach a provider that claims no domains', () => {
    expect(run('ionos.com').text).toContain(
      "none of its own: name ionos as a listener's upstream or as routing.default",
    );
  });

  test('keeps details within 120 columns for every provider', () => {
    for (const { id } of catalog) {
      expect(Math.max(...run(id).lines.map((line) => line.length))).toBeLessThanOrEqual(120);
    }
  });

  test('says on one line that nothing was found, and fails', () => {
    expect(run('no\nsuch')).toMatchObject({
      exitCode: 1,
      text: 'No provider matches "no\\nsuch": try an id, a name, a domain or a host\n',
    });
  });

  test('prints what the query finds as JSON, whole', () => {
    const { exitCode, text } = run('yahoo', true);
    expect(exitCode).toBe(0);
    expect(JSON.parse(text)).toEqual(searchProviders('yahoo'));
    expect(JSON.parse(run(undefined, true).text)).toEqual(catalog);
  });

  test('prints an empty JSON list where nothing is found, and fails', () => {
    expect(run('nothing.example', true)).toMatchObject({ exitCode: 1, text: '[]\n' });
  });
});
