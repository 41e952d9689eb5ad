import type { IncomingMessage, ServerResponse } from 'node:http';
import { describeThrown } from '@toolweaver/analytics-core/backend';
import { type Answer, type Scrape, textAnswer } from './answer.ts';

/** For a route of the user's own `node:http` server, or of a framework on top of it. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void;
/** For servers that speak Fetch. */
export type FetchHandler = (request: Request) => Promise<Response>;

export function httpHandler(scrape: Scrape): HttpHandler {
  return (request, response) => {
    sendTo(request, response, answerTo(request, scrape));
  };
}

export function fetchHandler(scrape: Scrape): FetchHandler {
  return async (request) => {
    const { status, headers, body } = await guarded(() =>
      scrape(request.method, request.headers.get('accept-encoding')),
    );
    // A copy: a Buffer may be a part of memory that it shares, and the type of its memory says so.
    const content = request.method === 'HEAD' ? null : new Uint8Array(body);
    return new Response(content, { status, headers: { ...headers, 'content-length': String(body.length) } });
  };
}

export function answerTo(request: IncomingMessage, scrape: Scrape): Promise<Answer> {
  return guarded(() => scrape(request.method ?? '', request.headers['accept-encoding']));
}

/** Whatever goes wrong stays here: nobody waits for it. */
export function sendTo(request: IncomingMessage, response: ServerResponse, answer: Promise<Answer>): void {
  answer.then((made) => send(request, response, made)).catch(() => response.destroy());
}

function send(request: IncomingMessage, response: ServerResponse, { status, headers, body }: Answer): void {
  // A host's deadline, or a framework that did not know of us, may have answered.
  if (response.headersSent) {
    return;
  }
  // What is left of a request's body would hold up the next one.
  request.resume();
  response.writeHead(status, { ...headers, 'content-length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** A whole answer, or the reason: half a text would be taken for one. */
async function guarded(answer: () => Promise<Answer>): Promise<Answer> {
  try {
    return await answer();
  } catch (error) {
    const { type, message = type } = describeThrown(error);
    return textAnswer(500, `The metrics could not be written: ${message}\n`);
  }
}
