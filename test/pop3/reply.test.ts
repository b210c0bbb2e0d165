import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseStatusReply, type StatusReply } from '../../src/pop3/reply.ts';
import { octetText } from './octets.ts';

describe(parseStatusReply, () => {
  test.each<[string, StatusReply]>([
    ['+OK', { isOk: true, text: '' }],
    ['+OK ', { isOk: true, text: '' }],
    ['+ok ready', { isOk: true, text: 'ready' }],
    ['-ERR', { isOk: false, text: '' }],
    ['-err no', { isOk: false, text: 'no' }],
    ['-ERR [AUTH] Wrong password', { isOk: false, code: 'AUTH', text: '[AUTH] Wrong password' }],
    ['-ERR [sys/temp] Later', { isOk: false, code: 'SYS/TEMP', text: '[sys/temp] Later' }],
    ['-ERR [IN-USE]', { isOk: false, code: 'IN-USE', text: '[IN-USE]' }],
    ['+OK [X] hello', { isOk: true, code: 'X', text: '[X] hello' }],
    ['-ERR  [AUTH] two blanks', { isOk: false, text: ' [AUTH] two blanks' }],
    ['-ERR no [AUTH] at the front', { isOk: false, text: 'no [AUTH] at the front' }],
    ['-ERR [] empty', { isOk: false, text: '[] empty' }],
    ['-ERR [AUTH never closed', { isOk: false, text: '[AUTH never closed' }],
    ['+OK a\rb\0\xff', { isOk: true, text: 'a\rb\0\xff' }],
  ])('reads %j', (line, reply) => {
    expect(parseStatusReply(line)).toEqual(reply);
  });

  test.each(['', 'OK', ' +OK', '+OKAY', '+OK\tready', '-ERR[AUTH]', '-ERROR', '+', '+ ', 'HTTP/1.1 400 Bad Request'])(
    'is undefined for %j',
    (line) => {
      expect(parseStatusReply(line)).toBeUndefined();
    },
  );

  test('keeps every octet behind the status indicator', () => {
    fc.assert(
      fc.property(fc.constantFrom('+OK', '-ERR'), octetText({ maxLength: 60 }), (status, text) => {
        expect(parseStatusReply(`${status} ${text}`)?.text).toBe(text);
      }),
    );
  });
});
