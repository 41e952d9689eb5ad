import type { Span, SpanData, TracingProcessor } from '@openai/agents';
import type { Analytics, OperationDetails, SubjectDetails } from '@toolweaver/analytics-core';
import { bytesOf } from './bytes.ts';
import { createSpans } from './spans.ts';
import { usageOf } from './usage.ts';

/**
 * A processor for `addTraceProcessor()` of the OpenAI Agents SDK. Agents become `agent`, responses and generations `llm`, functions
 * `tool`, guardrails and custom spans `operation`; other spans are skipped, so what is in them belongs to what is around
 * them. No prompts or answers are kept.
 */
export function openAiAgentsProcessor(analytics: Analytics): TracingProcessor {
  const spans = createSpans(analytics);
  return {
    async onTraceStart() {},
    async onTraceEnd() {},
    async onSpanStart({ spanId, parentId, spanData }: Span<SpanData>) {
      spans.start(spanId, subjectOf(spanData), parentId);
    },
    async onSpanEnd({ spanId, spanData, error }: Span<SpanData>) {
      const message = error?.message ?? (isStopped(spanData) ? 'its stream was stopped early' : undefined);
      const failure = message === undefined ? undefined : { thrown: { name: 'AgentsError', message } };
      spans.end(spanId, detailsOf(spanData), failure);
    },
    async shutdown() {
      await analytics.flush();
    },
    async forceFlush() {
      await analytics.flush();
    },
  };
}

const unknown = 'unknown';

function subjectOf(data: SpanData): SubjectDetails | undefined {
  switch (data.type) {
    case 'agent':
      return { kind: 'agent', name: data.name };
    case 'function':
      return { kind: 'tool', name: data.name };
    case 'generation':
    case 'response':
      return { kind: 'llm', name: unknown, provider: 'openai' };
    case 'guardrail':
    case 'custom':
      return { kind: 'operation', name: data.name };
    default:
      return undefined;
  }
}

/** If a stream was abandoned or aborted, there is a question, but neither an answer nor an error. */
function isStopped(data: SpanData): boolean {
  return data.type === 'response' && data._input !== undefined && data._response === undefined;
}

/** What is known only at the end, including the `name` of a model. */
function detailsOf(data: SpanData): OperationDetails & { readonly name?: string } {
  switch (data.type) {
    case 'function':
      return { inputBytes: bytesOf(data.input), outputBytes: bytesOf(data.output) };
    case 'generation': {
      // After a success, the usage is only in the completion.
      const { model, provider } = modelOf(data);
      return {
        model,
        name: model ?? unknown,
        ...usageOf(data.usage ?? data.output?.[0]),
        ...(provider !== undefined && { provider }),
      };
    }
    case 'response': {
      const model: unknown = data._response?.['model'];
      const known = typeof model === 'string' ? model : undefined;
      return { model: known, name: known ?? unknown, ...usageOf(data._response) };
    }
    default:
      return {};
  }
}

/** Models of the AI SDK, used by `aisdk()` of the extensions, name their provider separately, and again before their own name. */
function modelOf({ model, model_config: config }: Extract<SpanData, { type: 'generation' }>): {
  readonly model: string | undefined;
  readonly provider?: string;
} {
  const provider: unknown = config?.['model_impl'] === 'ai-sdk' ? config['provider'] : undefined;
  if (typeof provider !== 'string') {
    return { model };
  }
  const prefix = `${provider}:`;
  return { model: model?.startsWith(prefix) === true ? model.slice(prefix.length) : model, provider };
}
