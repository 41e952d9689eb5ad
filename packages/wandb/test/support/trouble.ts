import type { SeenRequest, Trouble } from './fake-service.ts';

export const isStream = ({ path }: SeenRequest): boolean => path.endsWith('/file_stream');

/** These answers to the stream, one after another, and then ordinary ones. */
export const once =
  (...troubles: Trouble[]) =>
  (request: SeenRequest): Trouble | undefined =>
    isStream(request) ? troubles.shift() : undefined;
