import type { Analytics } from '@toolweaver/analytics-core';
import type { Telemetry } from 'ai';
import { bytesOf } from './bytes.ts';
import { createSpans, dropOldest } from './spans.ts';
import { usageOf } from './usage.ts';

const loops: readonly string[] = ['ai.generateText', 'ai.streamText'];

/**
 * An integration for `registerTelemetry()`, or for the `telemetry.integrations` of one call, of the Vercel AI SDK from version 7 on.
 * Each `generateText` or `streamText` is an `agent`, any other call an `operation`; it contains the attempts of the model (`llm`) and
 * its tools. Calls and attempts are named by `telemetry.functionId`, or else by what is called. No prompts or answers are kept.
 */
export function aiSdkTelemetry(analytics: Analytics): Telemetry {
  const spans = createSpans(analytics);
  /** By call: how many attempts of the model have failed so far in this step. */
  const failedTries = new Map<string, number>();
  // Only one model at a time works for a call.
  const modelKey = (callId: string): string => `${callId} model`;
  const toolKey = (callId: string, toolCallId: string): string => `${callId} tool ${toolCallId}`;

  /** Of an attempt whose end was not reported, the stream broke, or ended without saying so. */
  function endBrokenTry(callId: string): void {
    if (spans.idOf(modelKey(callId)) !== undefined) {
      failTry(callId, { name: 'ModelError', message: 'its stream broke' });
    }
  }

  function failTry(callId: string, thrown: unknown): void {
    dropOldest(failedTries);
    failedTries.set(callId, (failedTries.get(callId) ?? 0) + 1);
    spans.end(modelKey(callId), {}, { thrown });
  }

  function startModel(callId: string, model = 'unknown', provider?: string, functionId?: string): void {
    endBrokenTry(callId);
    const attempt = (failedTries.get(callId) ?? 0) + 1;
    spans.start(modelKey(callId), { kind: 'llm', name: functionId ?? model, model, provider, attempt }, callId);
  }

  function fail(callId: string, thrown: unknown): void {
    failedTries.delete(callId);
    spans.end(modelKey(callId), {}, { thrown });
    // What is left are attempts of an embedding, which have failed at an unknown time, the last one with the last error.
    spans.endModels(callId, { latencyMs: undefined }, { thrown: Object(thrown).lastError ?? thrown });
    spans.end(callId, {}, { thrown });
  }

  /** A failed attempt of an embedding is not reported. If its call went well, it was tried again, at an unknown time. */
  function endFailedEmbeds(callId: string): void {
    const thrown = { name: 'ModelError', message: 'it failed, and was tried again' };
    spans.endModels(callId, { latencyMs: undefined }, { thrown });
  }

  return {
    onStart({ callId, operationId, functionId }) {
      const kind = loops.includes(operationId) ? 'agent' : 'operation';
      spans.start(callId, { kind, name: functionId ?? operationId });
    },
    async executeLanguageModelCall({ callId, modelId, provider, functionId, execute }) {
      startModel(callId, modelId, provider, functionId);
      try {
        return await execute();
      } catch (thrown) {
        failTry(callId, thrown);
        throw thrown;
      }
    },
    onLanguageModelCallEnd({ callId, usage, finishReason }) {
      failedTries.delete(callId);
      spans.end(modelKey(callId), usageOf(usage), failureOf({ finishReason }));
    },
    onObjectStepStart({ callId, modelId, provider, functionId }) {
      startModel(callId, modelId, provider, functionId);
    },
    onObjectStepEnd({ callId, usage, finishReason }) {
      spans.end(modelKey(callId), usageOf(usage), failureOf({ finishReason }));
    },
    onEmbedStart({ callId, embedCallId, modelId, provider, functionId }) {
      spans.start(embedCallId, { kind: 'llm', name: functionId ?? modelId, model: modelId, provider }, callId);
    },
    onEmbedEnd({ embedCallId, usage: { tokens } }) {
      spans.end(embedCallId, Number.isSafeInteger(tokens) ? { usage: { inputTokens: tokens } } : {});
    },
    async executeTool({ callId, toolCallId, toolCall, execute }) {
      const key = toolKey(callId, toolCallId);
      const name = toolCall?.toolName ?? 'unknown';
      spans.start(key, { kind: 'tool', name, inputBytes: bytesOf(toolCall?.input) }, callId);
      try {
        // Sampling goes by the outer of two contexts.
        return await analytics.withContext({ parentId: spans.idOf(callId) }, () =>
          analytics.withContext({ parentId: spans.idOf(key) }, execute),
        );
      } catch (thrown) {
        spans.end(key, {}, { thrown });
        throw thrown;
      }
    },
    // Comes last, and alone has what the tool returned.
    onToolExecutionEnd({ callId, toolOutput }) {
      const { output } = toolOutput as { readonly output?: unknown };
      const failure = { thrown: { name: 'ToolError', message: 'its result has `isError`' } };
      spans.end(
        toolKey(callId, toolOutput.toolCallId),
        { outputBytes: bytesOf(output) },
        Object(output).isError === true ? failure : undefined,
      );
    },
    onEnd(event) {
      const { callId } = event;
      endBrokenTry(callId);
      failedTries.delete(callId);
      endFailedEmbeds(callId);
      spans.end(callId, {}, failureOf(event));
    },
    onAbort({ callId, reason }) {
      const isError = typeof reason === 'object' && reason !== null && 'name' in reason;
      fail(callId, isError ? reason : { name: 'AbortError', message: 'aborted' });
    },
    onError(event) {
      const { callId, error } = event as { callId?: unknown; error?: unknown };
      if (typeof callId === 'string') {
        fail(callId, error);
      }
    },
  };
}

/** The failure that a call or a stream reports when it ends without throwing: an error, or that it finished with one. */
function failureOf(event: object): { readonly thrown: unknown } | undefined {
  const { error, finishReason } = event as { error?: unknown; finishReason?: unknown };
  if (error !== undefined) {
    return { thrown: error };
  }
  return finishReason === 'error'
    ? { thrown: { name: 'ModelError', message: 'it finished with an error' } }
    : undefined;
}
