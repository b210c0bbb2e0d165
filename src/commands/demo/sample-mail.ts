/** The account of the demo; its password is made anew for every run. */
export const sampleAddress = 'alice@sandbox.test';

/** The domain that the sandbox upstream serves. */
export const sampleDomain = 'sandbox.test';

/** The messages in the demo's maildrop, as octets that end in CRLF. */
export const sampleMessages: readonly Uint8Array[] = [
  [
    'From: Scanner <scan@sandbox.test>',
    `To: Alice <${sampleAddress}>`,
    'Date: Mon, 5 Oct 2026 09:15 +0200',
    'Subject: Scan 0042',
    'Message-ID: <scan-0042@sandbox.test>',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'Dear Alice,',
    'the contract is in your tray. Lines',
    '.like this one keep their dot.',
    '',
  ],
  [
    'From: Bob <bob@sandbox.test>',
    `To: Alice <${sampleAddress}>`,
    'Date: Tue, 6 Oct 2026 18:30 +0200',
    'Subject: Lunch?',
    'Message-ID: <lunch@sandbox.test>',
    '',
    'Same place as always, at noon.',
    '',
  ],
].map((lines) => Buffer.from(lines.join('\r\n')));
