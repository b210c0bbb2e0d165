/** A child process: the mail server behind the proxies. It knows just enough POP3, and its replies are made in advance. */
import { once } from 'node:events';
import { createServer as createPlaintextServer, type Server, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import {
  maildrop,
  passwords,
  sameTls,
  type UpstreamCounts,
  type UpstreamPorts,
  type UpstreamRequest,
  type UpstreamSetup,
} from './jobs.ts';
import { answerRequests } from './worker.ts';

/** What is handed to the socket at once of the large message. */
const sliceOctets = 256 * 1024;

const ok = Buffer.from('+OK\r\n');
const unknown = Buffer.from('-ERR Unknown command\r\n');
const refused = Buffer.from('-ERR [AUTH] Wrong password\r\n');
const challenge = Buffer.from('+ \r\n');
const greeting = Buffer.from('+OK Bench ready\r\n');
const capabilities = Buffer.from('+OK\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nUSER\r\nSASL PLAIN\r\n.\r\n');
const numbers = Array.from({ length: maildrop.messages }, (_, index) => index + 1);
const stat = Buffer.from(`+OK ${maildrop.messages} ${maildrop.messages * maildrop.smallOctets}\r\n`);
const uidl = Buffer.from(`+OK\r\n${numbers.map((number) => `${number} 00000000bench${number}\r\n`).join('')}.\r\n`);
const small = message(maildrop.smallOctets);
const large = message(maildrop.largeOctets);

let connections = 0;
let resumed = 0;

answerRequests<UpstreamRequest, UpstreamCounts | UpstreamPorts>(async (request) =>
  request.kind === 'listen' ? listen(request.setup) : takeCounts(),
);

async function listen({ port, plaintextPort, cert, key, ticketKeys }: UpstreamSetup): Promise<UpstreamPorts> {
  const keys = Buffer.from(ticketKeys, 'base64');
  const server = createServer({ cert, key, ticketKeys: keys, noDelay: true, ...sameTls }, (socket) => {
    if (socket.isSessionReused()) resumed += 1;
    serve(socket);
  });
  return {
    port: await bind(server, port),
    plaintextPort: await bind(createPlaintextServer({ noDelay: true }, serve), plaintextPort),
  };
}

/** Resolves to the port, which other processes may bind too. */
async function bind(server: Server, port: number): Promise<number> {
  server.listen({ host: '127.0.0.1', port, reusePort: true, backlog: 4096 });
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Cannot listen: there is no port');
  return address.port;
}

function takeCounts(): UpstreamCounts {
  const counts = { connections, resumed };
  connections = 0;
  resumed = 0;
  return counts;
}

function serve(socket: Socket): void {
  connections += 1;
  socket.on('error', () => {}); // a proxy that is ended in the middle
  let rest = '';
  socket.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('latin1')).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) answer(socket, line);
  });
  socket.write(greeting);
}

function answer(socket: Socket, line: string): void {
  const [verb = '', argument, initialResponse] = line.split(' ');
  switch (verb.toUpperCase()) {
    case 'USER':
    case 'NOOP':
      socket.write(ok);
      break;
    case 'PASS':
      socket.write(judge(argument));
      break;
    case 'CAPA':
      socket.write(capabilities);
      break;
    case 'AUTH':
      socket.write(initialResponse === undefined ? challenge : judge(decode(initialResponse)));
      break;
    case 'STAT':
      socket.write(stat);
      break;
    case 'UIDL':
      socket.write(uidl);
      break;
    case 'RETR':
      if (argument === String(maildrop.large)) void writeLarge(socket);
      else socket.write(small);
      break;
    case 'QUIT':
      socket.end(ok);
      break;
    default:
      // The Base64 of AUTH PLAIN in two steps.
      socket.write(line.length > 16 ? judge(decode(line)) : unknown);
  }
}

function judge(credentials = ''): Buffer {
  return credentials.includes(passwords.wrong) ? refused : ok;
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('latin1');
}

async function writeLarge(socket: Socket): Promise<void> {
  for (let start = 0; start < large.length && !socket.destroyed; start += sliceOctets) {
    if (!socket.write(large.subarray(start, start + sliceOctets))) await drained(socket);
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      socket.off('drain', settle);
      socket.off('close', settle);
      resolve();
    };
    socket.on('drain', settle);
    socket.on('close', settle);
  });
}

/** A whole reply to RETR, of lines that need no stuffing. */
function message(octets: number): Buffer {
  const line = `${'postern '.repeat(9)}\r\n`;
  const body = line.repeat(Math.ceil(octets / line.length)).slice(0, octets - 2);
  return Buffer.from(`+OK ${octets} octets\r\nSubject: Bench\r\n\r\n${body}\r\n.\r\n`, 'latin1');
}
