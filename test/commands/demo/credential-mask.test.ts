import { describe, expect, it } from 'vitest';
import { CredentialMask } from '../../../src/commands/demo/credential-mask.ts';

const secret = Buffer.from('\0alice\0open sesame').toString('base64');

/** Masks a conversation in which lines of the client begin with `C: `. */
function maskAll(lines: readonly string[]): readonly string[] {
  const mask = new CredentialMask();
  return lines.map((line) => (line.startsWith('C: ') ? `C: ${mask.request(line.slice(3))}` : mask.response(line)));
}

describe('CredentialMask', () => {
  it.each([
    ['PASS', ['C: USER alice', '+OK', 'C: PASS open sesame'], ['C: USER alice', '+OK', 'C: PASS ********']],
    ['PASS in any case', ['C: pass  open sesame'], ['C: pass ********']],
    ['an initial response', [`C: AUTH PLAIN ${secret}`], ['C: AUTH PLAIN ********']],
    ['PLAIN in two steps', ['C: auth plain', '+ ', `C: ${secret}`], ['C: auth plain', '+ ', 'C: ********']],
    [
      'LOGIN',
      ['C: AUTH LOGIN', '+ VXNlcm5hbWU6', 'C: YWxpY2U=', '+ UGFzc3dvcmQ6', 'C: b3Blbg=='],
      ['C: AUTH LOGIN', '+ VXNlcm5hbWU6', 'C: ********', '+ UGFzc3dvcmQ6', 'C: ********'],
    ],
    [
      'a response sent before it was asked for',
      ['C: AUTH PLAIN', `C: ${secret}`, '+ '],
      ['C: AUTH PLAIN', 'C: ********', '+ '],
    ],
  ])('masks %s', (_name, lines, masked) => {
    expect(maskAll(lines)).toEqual(masked);
  });

  it.each([['+OK Logged in'], ['-ERR [AUTH] No']])('shows commands again after %s', (outcome) => {
    expect(maskAll(['C: AUTH PLAIN', '+ ', `C: ${secret}`, outcome, 'C: STAT'])).toEqual([
      'C: AUTH PLAIN',
      '+ ',
      'C: ********',
      outcome,
      'C: STAT',
    ]);
  });

  it('shows a bare AUTH and what follows it', () => {
    expect(maskAll(['C: AUTH', '+OK', 'PLAIN', '.', 'C: CAPA'])).toEqual(['C: AUTH', '+OK', 'PLAIN', '.', 'C: CAPA']);
  });
});
