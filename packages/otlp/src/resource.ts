import { randomUUID } from 'node:crypto';
import { defaultResource, type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import type { OtlpOptions } from './options.ts';

/**
 * What is said about the sender of metrics: an option of its own goes over an attribute, and that over a default. Each call makes
 * another instance, unless the options name one.
 */
export function createResource(options: OtlpOptions): Resource {
  const { resourceAttributes, serviceName, serviceVersion, serviceInstanceId } = options;
  return defaultResource().merge(
    resourceFromAttributes({
      'service.name': 'toolweaver',
      'service.instance.id': randomUUID(),
      ...resourceAttributes,
      ...(serviceName !== undefined && { 'service.name': serviceName }),
      ...(serviceVersion !== undefined && { 'service.version': serviceVersion }),
      ...(serviceInstanceId !== undefined && { 'service.instance.id': serviceInstanceId }),
    }),
  );
}
