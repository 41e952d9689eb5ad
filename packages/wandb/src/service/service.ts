import type { Secret } from '@toolweaver/analytics-core';
import { redact, secretsOfHeader } from '@toolweaver/analytics-core/backend';
import { adviceOn, isFinalStatus, serviceError } from '../failure.ts';
import { isObject, parseJson } from '../json-text.ts';
import type { Http, HttpReply } from './http.ts';

/** Address of the service, and credentials. */
export interface ServiceSettings {
  /** Without a trailing slash. */
  readonly baseUrl: string;
  readonly apiKey: Secret;
  readonly username: string | undefined;
  readonly userEmail: string | undefined;
  readonly headers: Readonly<Record<string, Secret>>;
  /** Timeout of one GraphQL request. */
  readonly timeoutMs: number;
}

export interface Upload {
  /** Each as `"Name: value"`. */
  readonly headers: readonly string[];
  readonly url: string;
}

/** The service's three kinds of request. Failed ones reject with an error from `serviceError`. */
export interface Service {
  /** Resolves to the `data` of the answer. */
  graphql(query: string, variables: object, options?: GraphqlOptions): Promise<{ readonly [key: string]: unknown }>;
  /** `path` names entity, project and run. Resolves to the answer and the pause that the service asks for. */
  fileStream(path: string, body: string | Uint8Array<ArrayBuffer>, signal?: AbortSignal): Promise<StreamAnswer>;
  /** Uploads to a URL that the service returned, without our API key. */
  put(upload: Upload, body: Uint8Array<ArrayBuffer> | Blob, signal?: AbortSignal): Promise<void>;
}

interface GraphqlOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether a conflict (409) is worth a retry. */
  readonly retryConflict?: boolean;
}

interface StreamAnswer {
  readonly stopped: boolean;
  readonly waitMs: number;
}

const maxMessage = 500;

/** Timeout for rows and files: a minute for the answer, plus the upload at 32 kB/s, for slow or shared lines. */
function dataTimeoutMs(bytes: number): number {
  return 60_000 + Math.floor(bytes / 32);
}

export function createService(settings: ServiceSettings, http: Http, agent: string): Service {
  const { baseUrl, apiKey, username, userEmail, headers, timeoutMs } = settings;
  const { origin } = new URL(baseUrl);

  const revealed = (): [string, string][] => Object.entries(headers).map(([name, value]) => [name, value.reveal()]);
  const authorization = (): string => `Basic ${Buffer.from(`api:${apiKey.reveal()}`).toString('base64')}`;

  // Built for each request, so that no object keeps the key in clear text.
  const ownHeaders = (): Record<string, string> => ({
    'User-Agent': agent,
    'Accept-Encoding': 'identity',
    ...Object.fromEntries(revealed()),
    ...(username !== undefined && { 'X-WANDB-USERNAME': username }),
    ...(userEmail !== undefined && { 'X-WANDB-USER-EMAIL': userEmail }),
    'Content-Type': 'application/json',
    Authorization: authorization(),
  });

  /** The message in an answer, shortened, with the secrets of our headers redacted. */
  function said(text: string): string {
    const ours = [authorization(), ...revealed().map(([, value]) => value)];
    const words = redact(saidBy(text), ours.flatMap(secretsOfHeader));
    return words.length > maxMessage ? `${words.slice(0, maxMessage)}…` : words;
  }

  function check(what: string, { status, text, waitMs }: HttpReply, retryConflict = false): void {
    if (status >= 200 && status < 300) {
      return;
    }
    const refused = isFinalStatus(status) && !(retryConflict && status === 409);
    const reason = said(text);
    throw serviceError({
      kind: refused ? 'refused' : 'unavailable',
      // A gateway that gives up may have forwarded the request.
      mayHaveArrived: status >= 500 && status !== 501,
      status,
      message: `${what} answered ${status}${adviceOn(status)}${reason === '' ? '' : ` (${reason})`}`,
      retryAfterMs: waitMs || undefined,
    });
  }

  /** The JSON object of an answer. Anything else, e.g. a page of a proxy, may not come from the service. */
  function answerOf(reply: HttpReply, retryConflict?: boolean): { readonly [key: string]: unknown } {
    check(origin, reply, retryConflict);
    const answer = parseJson(reply.text);
    if (!isObject(answer)) {
      throw serviceError({
        kind: 'unavailable',
        mayHaveArrived: true,
        message: `${origin} answered with no JSON object`,
      });
    }
    return answer;
  }

  return {
    async graphql(query, variables, { signal, retryConflict } = {}) {
      const operationName = /^\s*(?:query|mutation)\s+(\w+)/.exec(query)?.[1];
      const body = JSON.stringify({ query, variables, operationName });
      const reply = await http(`${baseUrl}/graphql`, {
        method: 'POST',
        headers: ownHeaders(),
        body,
        timeoutMs,
        signal,
      });
      const { errors, data } = answerOf(reply, retryConflict);
      if ((Array.isArray(errors) && errors.length > 0) || !isObject(data)) {
        const message = `${origin} refused ${operationName}: ${said(reply.text) || 'no data in its answer'}`;
        throw serviceError({ kind: 'refused', mayHaveArrived: false, message });
      }
      return data;
    },
    async fileStream(path, body, signal) {
      const url = `${baseUrl}/files/${path}/file_stream`;
      const reply = await http(url, {
        method: 'POST',
        headers: ownHeaders(),
        body,
        timeoutMs: dataTimeoutMs(body.length),
        signal,
      });
      return { stopped: answerOf(reply)['stopped'] === true, waitMs: reply.waitMs };
    },
    async put({ url, headers: given }, body, signal) {
      const target = URL.parse(url, `${baseUrl}/`);
      if (target === null) {
        throw serviceError({
          kind: 'refused',
          mayHaveArrived: false,
          message: `${origin} gave an address that is no URL`,
        });
      }
      const pairs = given.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const;
      });
      const reply = await http(target.href, {
        method: 'PUT',
        headers: { 'User-Agent': agent, ...Object.fromEntries(pairs.filter(([name]) => name !== '')) },
        body,
        timeoutMs: dataTimeoutMs('size' in body ? body.size : body.length),
        signal,
      });
      check(target.origin, reply);
    },
  };
}

/** The message in an answer, in any of the known formats. */
function saidBy(text: string): string {
  const answer = parseJson(text);
  if (!isObject(answer)) {
    return '';
  }
  const { errors, error } = answer;
  const messages = Array.isArray(errors) ? errors.map((one) => (isObject(one) ? one['message'] : one)) : [];
  const single = isObject(error) ? error['message'] : error;
  return [...messages, single].filter((message) => typeof message === 'string').join('; ');
}
