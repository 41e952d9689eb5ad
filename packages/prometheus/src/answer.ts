import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** What a scraper gets, whichever server it asked. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Takes the method and the header `Accept-Encoding`. */
export type Scrape = (method: string, acceptEncoding: string | null | undefined) => Promise<Answer>;

export interface Exposition {
  /** Writes the text. */
  render(): Promise<Buffer>;
  contentType(): string;
}

const compress = promisify(gzip);

/** Scrapes that arrive while one is under way share its text: ten scrapers cost no more than one. */
export function createScrape({ render, contentType }: Exposition): Scrape {
  const plain = shared(render);
  const compressed = shared(async () => compress(await plain()));
  return async (method, acceptEncoding) => {
    if (method !== 'GET' && method !== 'HEAD') {
      return notAllowed;
    }
    const zipped = acceptsGzip(acceptEncoding ?? '');
    const body = await (zipped ? compressed() : plain());
    return {
      status: 200,
      headers: {
        'content-type': contentType(),
        'cache-control': 'no-store',
        vary: 'accept-encoding',
        ...(zipped && { 'content-encoding': 'gzip' }),
      },
      body,
    };
  };
}

const refused = textAnswer(405, 'Only GET and HEAD are allowed here.\n');
export const notAllowed: Answer = { ...refused, headers: { ...refused.headers, allow: 'GET, HEAD' } };

export function textAnswer(status: number, text: string, type = 'text/plain'): Answer {
  const headers = { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store' };
  return { status, headers, body: Buffer.from(text) };
}

function shared<T>(work: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | undefined;
  return () => {
    underWay ??= work().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}

/** https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3 */
function acceptsGzip(header: string): boolean {
  const codings = header.split(',').map((item) =>
    item
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/),
  );
  const found = codings.find(([coding]) => coding === 'gzip') ?? codings.find(([coding]) => coding === '*');
  return found !== undefined && !found.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
}
