import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

/** Text in pieces, and how much of its source has been read. */
export interface TextSource {
  readonly pieces: AsyncIterable<string>;
  /** Size of the file on disk, compressed or not. */
  readonly totalBytes: number | undefined;
  readBytes(): number;
  close(): Promise<void>;
}

const pieceBytes = 64 * 1024;

/** Opens a file that the caller must close. */
export async function openFile(path: string, gzip: boolean): Promise<TextSource> {
  const file = await open(path);
  let bytes = 0;
  async function* contents(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(pieceBytes));
      if (bytesRead === 0) {
        return;
      }
      bytes += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }
  try {
    const stats = await file.stat();
    if (stats.isDirectory()) {
      throw new Error('it is a directory');
    }
    return {
      pieces: decode(gzip ? unzip(contents()) : contents()),
      totalBytes: stats.isFile() ? stats.size : undefined,
      readBytes: () => bytes,
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Takes the pieces from an iterable of the caller. */
export function fromPieces(given: AsyncIterable<unknown> | Iterable<unknown>): TextSource {
  let bytes = 0;
  async function* counted(): AsyncGenerator<string | Uint8Array> {
    for await (const piece of given) {
      if (typeof piece !== 'string' && !(piece instanceof Uint8Array)) {
        throw new TypeError('a piece of the text is neither a string nor a Uint8Array');
      }
      bytes += typeof piece === 'string' ? Buffer.byteLength(piece) : piece.byteLength;
      yield piece;
    }
  }
  return { pieces: decode(counted()), totalBytes: undefined, readBytes: () => bytes, close: async () => {} };
}

async function* unzip(contents: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip();
  // Errors are thrown by the loop below.
  const fed = pipeline(Readable.from(contents), gunzip).catch(() => {});
  try {
    yield* gunzip as AsyncIterable<Uint8Array>;
  } finally {
    gunzip.destroy();
    await fed;
  }
}

/** Decodes UTF-8, cut anywhere, and removes the byte order mark; invalid bytes become U+FFFD. */
async function* decode(pieces: AsyncIterable<string | Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let isStart = true;
  for await (const piece of pieces) {
    const text = typeof piece === 'string' ? piece : decoder.decode(piece, { stream: true });
    if (text === '') {
      continue;
    }
    if (isStart) {
      refuseOther(text);
    }
    yield isStart && text.startsWith('\ufeff') ? text.slice(1) : text;
    isStart = false;
  }
  yield decoder.decode();
}

/** Rejects common kinds of files that are not UTF-8 text. */
function refuseOther(start: string): void {
  if (start.startsWith('\x1f\ufffd')) {
    throw new Error('it is compressed: give it a name that ends in .gz, or unpack it first');
  }
  if (start.startsWith('\ufffd\ufffd') && start.includes('\0')) {
    throw new Error('it is in UTF-16: save it as UTF-8');
  }
}
