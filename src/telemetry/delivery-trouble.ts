const troubles: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such directory or socket',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of its path is no directory',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the disk is mounted read-only',
  EIO: 'the disk cannot be read or written',
  ENXIO: 'nobody reads the pipe',
  EAGAIN: 'the pipe is full',
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the receiver closed the connection',
  EPIPE: 'the receiver closed the connection',
  ENOTFOUND: 'its name cannot be resolved',
  EPROTOTYPE: 'the socket takes datagrams, which cannot be sent to it from here: use UDP, TCP or a stream socket',
};

/** Why a destination takes nothing, in words for an operator. */
export function describeTrouble(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  if (code !== undefined) return troubles[code] ?? code;
  return error instanceof Error ? error.message : String(error);
}
