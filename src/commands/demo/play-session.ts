import { CredentialMask } from './credential-mask.ts';
import { connectOldClient, type OldClient, reasonOf } from './old-client.ts';
import { sampleAddress } from './sample-mail.ts';
import type { Stage } from './stage.ts';
import { type Leg, Transcript } from './transcript.ts';

/** Which of the demo's sessions to play. */
export type SessionKind = 'plaintext' | 'stls';

/** Plays one old client's session through Postern and gives what both legs carried, credentials masked. */
export async function playSession(stage: Stage, kind: SessionKind): Promise<Transcript> {
  const transcript = new Transcript();
  let isClientEncrypted = false;
  const hear = (leg: Leg): ((isRequest: boolean, line: string) => void) => {
    const mask = new CredentialMask();
    return (isRequest, line) =>
      transcript.add({
        leg,
        kind: isRequest ? 'request' : 'response',
        text: isRequest ? mask.request(line) : mask.response(line),
        isEncrypted: leg === 'upstream' || isClientEncrypted,
      });
  };
  const hearClient = hear('client');
  const hearUpstream = hear('upstream');
  stage.hearUpstream((direction, line) => hearUpstream(direction === 'in', line));
  const { host, port } = stage.listener;
  let client: OldClient | undefined;
  try {
    client = await connectOldClient({
      host,
      port,
      signal: stage.signal,
      onWire: (direction, line) => hearClient(direction === 'out', line),
    });
    if (kind === 'stls') {
      const { version } = await client.startTls({ ca: stage.postern.certificate });
      isClientEncrypted = true;
      transcript.add({ leg: 'client', kind: 'note', text: `${version}, certificate verified`, isEncrypted: true });
    }
    await fetchMail(client, { password: stage.password, isWhole: kind === 'stls' });
  } catch (cause) {
    throw new Error(`Cannot play the ${kind} session: ${reasonOf(cause)}`, { cause });
  } finally {
    client?.close();
    stage.hearUpstream(() => {});
  }
  return transcript;
}

async function fetchMail(
  client: OldClient,
  { password, isWhole }: { readonly password: string; readonly isWhole: boolean },
): Promise<void> {
  await client.command(`USER ${sampleAddress}`);
  await client.command(`PASS ${password}`);
  await client.command('STAT');
  if (isWhole) await client.multilineCommand('RETR 1');
  else await client.multilineCommand('LIST');
  await client.quit();
}
