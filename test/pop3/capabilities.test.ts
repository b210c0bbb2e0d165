import { describe, expect, test } from 'vitest';
import {
  capabilityResponse,
  mechanismListResponse,
  parseCapabilities,
  type UpstreamCapabilities,
} from '../../src/pop3/capabilities.ts';

const offers = [
  [
    'in the clear, where no login is permitted',
    { isStlsOffered: true, isLoginPermitted: false, isEncrypted: false },
    ['STLS'],
  ],
  [
    'in the clear, where a login is permitted',
    { isStlsOffered: true, isLoginPermitted: true, isEncrypted: false },
    ['STLS', 'USER'],
  ],
  [
    'in the clear without STLS, where a login is permitted',
    { isStlsOffered: false, isLoginPermitted: true, isEncrypted: false },
    ['USER'],
  ],
  [
    'in the clear without STLS, where no login is permitted',
    { isStlsOffered: false, isLoginPermitted: false, isEncrypted: false },
    [],
  ],
  ['under TLS', { isStlsOffered: false, isLoginPermitted: true, isEncrypted: true }, ['USER', 'SASL PLAIN LOGIN']],
] as const;

describe(capabilityResponse, () => {
  test.each(offers)('offers %s no more than what is possible', (_, offered, expected) => {
    expect(capabilityResponse(offered).split('\r\n')).toEqual([
      '+OK Capability list follows',
      'TOP',
      'UIDL',
      'RESP-CODES',
      'AUTH-RESP-CODE',
      ...expected,
      'IMPLEMENTATION Postern',
      '.',
      '',
    ]);
  });
});

describe(mechanismListResponse, () => {
  test.each(offers)('lists mechanisms only under TLS: %s', (_, offered) => {
    const mechanisms = offered.isEncrypted ? ['PLAIN', 'LOGIN'] : [];
    expect(mechanismListResponse(offered).split('\r\n')).toEqual(['+OK Mechanisms follow', ...mechanisms, '.', '']);
  });
});

describe(parseCapabilities, () => {
  test.each<[string, readonly string[], UpstreamCapabilities]>([
    ['no lines', [], { offersStls: false, offersSaslPlain: false }],
    ['STLS', ['TOP', 'STLS'], { offersStls: true, offersSaslPlain: false }],
    ['stls in lower case', ['stls'], { offersStls: true, offersSaslPlain: false }],
    ['STLS with blanks behind', ['STLS  '], { offersStls: true, offersSaslPlain: false }],
    ['a name that begins with STLS', ['STLSX', 'X-STLS'], { offersStls: false, offersSaslPlain: false }],
    ['STLS as a parameter', ['SASL STLS', 'IMPLEMENTATION STLS'], { offersStls: false, offersSaslPlain: false }],
    ['PLAIN', ['SASL PLAIN'], { offersStls: false, offersSaslPlain: true }],
    ['PLAIN among others', ['sasl xoauth2  plain login'], { offersStls: false, offersSaslPlain: true }],
    ['an empty SASL', ['SASL'], { offersStls: false, offersSaslPlain: false }],
    ['other mechanisms', ['SASL PLAIN-CLIENTTOKEN LOGIN'], { offersStls: false, offersSaslPlain: false }],
    ['XCLIENT', ['xclient'], { offersStls: false, offersSaslPlain: false, offersXclient: true }],
    ['PLAIN outside of SASL', ['PLAIN', 'IMPLEMENTATION PLAIN'], { offersStls: false, offersSaslPlain: false }],
    [
      'what Gmail sends',
      ['USER', 'RESP-CODES', 'EXPIRE 0', 'LOGIN-DELAY 300', 'TOP', 'UIDL', 'SASL PLAIN XOAUTH2 OAUTHBEARER'],
      { offersStls: false, offersSaslPlain: true },
    ],
  ])('reads %s', (_, lines, expected) => {
    expect(parseCapabilities(lines)).toEqual(expected);
  });
});
