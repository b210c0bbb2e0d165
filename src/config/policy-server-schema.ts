import { duration } from './duration.ts';
import { flag, integer, Refusal, scalar, text, word } from './scalar.ts';

const acceptedUrl = 'a URL such as https://wforce.example.com:8084/, or http:// on this machine';

const url = scalar(acceptedUrl, (written) => {
  const parts = /^https?:\/\/[^\s#]+$/.test(written) ? URL.parse(written) : null;
  if (parts === null || parts.hostname === '') return new Refusal(acceptedUrl);
  return isDecodable(parts.username) && isDecodable(parts.password)
    ? written
    : new Refusal('a URL whose user name and password are percent-encoded');
});

function isDecodable(component: string): boolean {
  try {
    decodeURIComponent(component);
    return true;
  } catch {
    return false;
  }
}

/** A header's name (RFC 9110 §5.1) and value; or a key without a colon, which a header of its own is for. */
const apiHeader = text(
  'a header such as "Authorization: Basic …", or a key for X-API-Key; visible ASCII characters and spaces',
  /^(?=.{1,4096}$)(?:[\w!#$%&'*+.^`|~-]+: ?[!-~](?:[ -~]*[!-~])?|[!-9;-~](?:[ -9;-~]*[!-9;-~])?)$/,
);

/** The keys of `policyServer`, named as Dovecot's `auth_policy_…` settings are where these have a counterpart. */
export const policyServerShape = {
  url,
  apiHeader: apiHeader.optional(),
  ca: text('the path of a PEM file', /^[^\0\r\n]+$/).optional(),
  hashNonce: text(
    'a secret of 8 to 512 visible ASCII characters, the same for all who ask that server',
    /^[!-~]{8,512}$/,
  ),
  hashMech: word(['sha256', 'sha512', 'sha1', 'md5']).prefault('sha256'),
  // Each bit more lets whoever gets hold of hashes and nonce rule out half of the passwords that are left.
  hashTruncate: integer({ min: 1, max: 24 }).prefault('12'),
  timeout: duration({ min: '10ms', max: '10s' }).prefault('2s'),
  onFailure: word(['allow', 'reject']).prefault('allow'),
  checkBefore: flag().prefault('true'),
  reportAfter: flag().prefault('true'),
};
