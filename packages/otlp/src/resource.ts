import { randomUUID } from 'node:crypto';
import { defaultResource, type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import type { OtlpOptions } from './options.ts';

/**
 * Describes the sender of metrics. A dedicated option wins over an attribute, and that over a default. Each call makes a new
 * instance id, unless the options have one.
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
