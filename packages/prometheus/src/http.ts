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
    // A copy: a Buffer may be part of shared memory, which the type of a body does not allow.
    const content = request.method === 'HEAD' ? null : new Uint8Array(body);
    return new Response(content, { status, headers: { ...headers, 'content-length': String(body.length) } });
  };
}

export function answerTo(request: IncomingMessage, scrape: Scrape): Promise<Answer> {
  return guarded(() => scrape(request.method ?? '', request.headers['accept-encoding']));
}

/** Never fails: nobody waits for it. */
export function sendTo(request: IncomingMessage, response: ServerResponse, answer: Promise<Answer>): void {
  answer.then((made) => send(request, response, made)).catch(() => response.destroy());
}

function send(request: IncomingMessage, response: ServerResponse, { status, headers, body }: Answer): void {
  // The host or its framework may have answered already, after a time-out for example.
  if (response.headersSent) {
    return;
  }
  // An unread body would hold up the next request of the connection.
  request.resume();
  response.writeHead(status, { ...headers, 'content-length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** The whole answer, or the reason why there is none: half a text would be taken for a whole one. */
async function guarded(answer: () => Promise<Answer>): Promise<Answer> {
  try {
    return await answer();
  } catch (error) {
    const { type, message = type } = describeThrown(error);
    return textAnswer(500, `The metrics could not be written: ${message}\n`);
  }
}
