import { describe, expect, it } from 'vitest';
import { type DemoOptions, runDemo } from '../../../src/commands/demo/run-demo.ts';
import { selfSigned } from '../../../src/net/certificate-authority.ts';
import { createRelayingPostern } from './relaying-postern.ts';

/** Options whose output is kept; `whenSaid` resolves once the output holds a text. */
function createOptions(overrides: Partial<DemoOptions> = {}) {
  const controller = new AbortController();
  let output = '';
  let onWrite = (): void => {};
  const options: DemoOptions = {
    startPostern: createRelayingPostern().start,
    once: true,
    out: {
      write: (text) => {
        output += text;
        onWrite();
      },
    },
    signal: controller.signal,
    columns: 100,
    useColour: false,
    ...overrides,
  };
  const whenSaid = (text: string): Promise<void> =>
    new Promise((resolve) => {
      onWrite = () => {
        if (output.includes(text)) resolve();
      };
    });
  return { options, controller, whenSaid, output: () => output };
}

/** The rows of the two columns, each as a pair of trimmed cells. */
function rows(output: string): ReadonlyArray<readonly [string, string]> {
  return output
    .split('\n')
    .filter((line) => line.includes(' │ ') || line.endsWith(' │'))
    .map((line) => {
      const [client = '', upstream = ''] = line.split('│');
      return [client.trim(), upstream.trim()] as const;
    });
}

describe('runDemo', () => {
  it('shows both legs of both sessions and resolves to 0', async () => {
    const { options, output } = createOptions();
    expect(await runDemo(options), output()).toBe(0);
    const shown = rows(output());
    expect(shown).toContainEqual(['old client ⇄ Postern: in the clear', 'Postern ⇄ upstream: verified TLS']);
    expect(shown).toContainEqual(['old client ⇄ Postern: clear, then TLS', 'Postern ⇄ upstream: verified TLS']);
    expect(shown).toContainEqual(['→ USER alice@sandbox.test', '→ USER alice@sandbox.test']);
    expect(shown).toContainEqual(['→ PASS ********', '→ PASS ********']);
    expect(shown).toContainEqual(['→ STLS', '']);
    expect(shown).toContainEqual(['TLSv1.3, certificate verified', '']);
    expect(shown).toContainEqual(['→ RETR 1', '→ RETR 1']);
    expect(shown).toContainEqual(['← Subject: Scan 0042', '← Subject: Scan 0042']);
    expect(shown).toContainEqual(['← ..like this one keep their dot.', '← ..like this one keep their dot.']);
  });

  it('tells the counters that moved and the admin address', async () => {
    const { options, output } = createOptions();
    await runDemo(options);
    expect(output()).toMatch(/postern_connections_total\n +\+2 {2}listener=lan\n/);
    expect(output()).toContain('http://127.0.0.1:9110/metrics');
    expect(output()).toContain('Bearer token-of-the-day');
  });

  it.each([
    [40, 80],
    [80, 80],
    [100, 100],
    [200, 100],
  ])('fits a terminal of %i columns into %i', async (columns, widest) => {
    const { options, output } = createOptions({ columns });
    await runDemo(options);
    const widths = output()
      .split('\n')
      .map((line) => line.length);
    expect(Math.max(...widths)).toBeLessThanOrEqual(widest);
  });

  it('shows what is encrypted in colours when told, and none otherwise', async () => {
    const { options, output } = createOptions();
    await runDemo(options);
    expect(output()).not.toContain('\x1b[');
    const coloured = createOptions({ useColour: true });
    await runDemo(coloured.options);
    const [red, green, end] = ['\x1b[31m', '\x1b[32m', '\x1b[39m'];
    expect(coloured.output()).toContain(`${red}→ ${end}PASS ********`);
    expect(coloured.output()).toContain(`${green}→ ${end}PASS ********`);
  });

  it('shows the password to nobody when it ends by itself', async () => {
    let password = '';
    const relay = createRelayingPostern();
    const { options, output } = createOptions({
      startPostern: relay.start,
    });
    relay.onClientOctets = (octets) => {
      password ||= /PASS (.*)\r\n/.exec(octets)?.[1] ?? '';
    };
    expect(await runDemo(options)).toBe(0);
    expect(password).toMatch(/^\S{12}$/);
    expect(output()).not.toContain(password);
  });

  it('stays up for a client of your own until it is told to end', async () => {
    const postern = createRelayingPostern();
    const { options, controller, whenSaid, output } = createOptions({ once: false, startPostern: postern.start });
    const said = whenSaid('made for this run');
    const code = runDemo(options);
    await said;
    expect(postern.isDisposed).toBe(false);
    controller.abort();
    expect(await code).toBe(0);
    expect(postern.isDisposed).toBe(true);
    const password = /password +(\S+) {2}made for this run/.exec(output())?.[1] ?? 'none shown';
    expect(output().split(password)).toHaveLength(2); // there and nowhere else
  });

  it('ends with 0 and stops everything when told to end in the middle', async () => {
    const postern = createRelayingPostern();
    const { options, controller, output } = createOptions({ startPostern: postern.start });
    controller.abort();
    expect(await runDemo(options)).toBe(0);
    expect(postern.isDisposed).toBe(true);
    expect(output()).not.toContain('Cannot');
  });
});

describe('runDemo, when something fails', () => {
  it('says in one line that Postern cannot start', async () => {
    const startPostern = () => Promise.reject(new Error('Cannot listen on "127.0.0.1:1110": the port is in use'));
    const { options, output } = createOptions({ startPostern });
    expect(await runDemo(options)).toBe(1);
    expect(output()).toBe('Cannot listen on "127.0.0.1:1110": the port is in use\n');
  });

  it('fails, without a login, when the listener shows another certificate than it said', async () => {
    const { cert } = await selfSigned({ names: ['127.0.0.1'], days: 1 });
    const postern = createRelayingPostern({ certificate: cert });
    const { options, output } = createOptions({ startPostern: postern.start });
    expect(await runDemo(options)).toBe(1);
    expect(output().trimEnd().split('\n').at(-1)).toMatch(/^Cannot play the stls session: /);
    expect(output()).not.toContain('RETR');
    expect(postern.isDisposed).toBe(true);
  });

  it('fails when there is no listener to talk to', async () => {
    const { options, output } = createOptions({ startPostern: createRelayingPostern({ listeners: [] }).start });
    expect(await runDemo(options)).toBe(1);
    expect(output()).toBe('Cannot play the demo: Postern has no listener that offers STLS\n');
  });
});
