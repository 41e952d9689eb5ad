import { randomUUID } from 'node:crypto';
import { defaultResource, type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import type { OtlpOptions } from './options.ts';

/** What is said about the sender of metrics. Each call makes another instance, unless the options name one. */
export function createResource(options: OtlpOptions): Resource {
  const { resourceAttributes, serviceName = 'toolweaver', serviceVersion, serviceInstanceId = randomUUID() } = options;
  return defaultResource().merge(
    resourceFromAttributes({
      ...resourceAttributes,
      'service.name': serviceName,
      ...(serviceVersion !== undefined && { 'service.version': serviceVersion }),
      'service.instance.id': serviceInstanceId,
    }),
  );
}
