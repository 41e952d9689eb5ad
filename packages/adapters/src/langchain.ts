import type { CallbackHandlerMethods } from '@langchain/core/callbacks/base';
import type { Analytics } from '@toolweaver/analytics-core';
import { checkOptions } from '@toolweaver/analytics-core/backend';
import { bytesOf } from './bytes.ts';
import { createSpans } from './spans.ts';
import { usageOf } from './usage.ts';

/** What `langChainCallbacks` records besides models, tools, retrievers and the outermost chain. */
export interface LangChainOptions {
  /** Records chains inside of other chains, too: there is one for each step. Default: false. */
  readonly innerChains?: boolean | undefined;
}

/** The handlers. LangChain waits for them, so that they are called in the context of the work. */
export type LangChainCallbacks = CallbackHandlerMethods & { readonly awaitHandlers: true };

/**
 * Callbacks for LangChain.js and LangGraph.js: `model.invoke(input, { callbacks: [langChainCallbacks(analytics)] })`. Models become
 * `llm`, tools `tool`, retrievers `search`, and the outermost chain, such as an agent or a graph, `operation`. No prompts or
 * answers are kept.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem of the options.
 */
export function langChainCallbacks(analytics: Analytics, options: LangChainOptions = {}): LangChainCallbacks {
  const { innerChains = false } = checkOptions(options, { innerChains: true }, (check, given) => ({
    innerChains: check.flag('innerChains', given.innerChains),
  }));
  const spans = createSpans(analytics);

  const startModel: CallbackHandlerMethods['handleLLMStart'] = (
    llm,
    _,
    runId,
    parentId,
    params,
    __,
    metadata,
    name,
  ) => {
    const { model: asked, model_name: alias } = Object(params?.['invocation_params']);
    const model = textOf(metadata?.['ls_model_name'], asked, alias) ?? nameOf(llm);
    const provider = textOf(metadata?.['ls_provider']);
    spans.start(runId, { kind: 'llm', name: textOf(name) ?? model, model, provider }, parentId);
  };
  const fail = (thrown: unknown, runId: string): void =>
    spans.end(runId, {}, isPause(thrown) ? undefined : { thrown: isAbort(thrown) ? aborted : thrown });

  return {
    awaitHandlers: true,
    handleLLMStart: startModel,
    handleChatModelStart: (llm, _, ...more) => startModel(llm, [], ...more),
    handleLLMEnd({ generations, llmOutput }, runId, _, __, more) {
      if (more?.['cached'] === true) {
        // The answer still has the tokens of the call that made it, or zeros, or none.
        spans.end(runId, { cacheHit: true, cost: { usd: 0 } });
        return;
      }
      const { usage_metadata: given, response_metadata: said } = Object(Object(generations[0]?.[0])['message']);
      const providers = [spans.subjectOf(runId)?.provider, Object(said)['model_provider']];
      const usage = providers.some((one) => String(one).startsWith('google')) ? withThoughts(given) : given;
      spans.end(runId, usageOf(usage ?? llmOutput?.['tokenUsage']));
    },
    handleLLMError: fail,
    // In the order in which these are passed, which differs from their declaration.
    handleChainStart(chain, _, runId, parentId, __, ___, ____, name) {
      const isRecorded = innerChains || parentId === undefined;
      spans.start(runId, isRecorded ? { kind: 'operation', name: textOf(name) ?? nameOf(chain) } : undefined, parentId);
    },
    handleChainEnd: (_, runId) => spans.end(runId),
    handleChainError: fail,
    handleToolStart(tool, input, runId, parentId, _, __, name) {
      spans.start(runId, { kind: 'tool', name: textOf(name) ?? nameOf(tool), inputBytes: bytesOf(input) }, parentId);
    },
    handleToolEnd(output, runId) {
      // A message of the tool, or what it returned.
      const { type, status, content } = Object(output);
      const failure = { thrown: { name: 'ToolError', message: 'its message has the status error' } };
      spans.end(
        runId,
        { outputBytes: bytesOf(content ?? output) },
        type === 'tool' && status === 'error' ? failure : undefined,
      );
    },
    handleToolError: fail,
    handleRetrieverStart(retriever, query, runId, parentId, _, __, name) {
      const subject = { kind: 'search', name: textOf(name) ?? nameOf(retriever), inputBytes: bytesOf(query) } as const;
      spans.start(runId, subject, parentId);
    },
    handleRetrieverEnd: (_, runId) => spans.end(runId),
    handleRetrieverError: fail,
  };
}

/** Whether LangGraph threw it to wait for somebody or to continue elsewhere, as its `isGraphBubbleUp` says. */
function isPause(thrown: unknown): boolean {
  return Object(thrown)['is_bubble_up'] === true;
}

const aborted = { name: 'AbortError', message: 'aborted' };

/** Of streams that are aborted or time out, LangChain tells callbacks only this, as an `Error`. */
function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'Error' && /^Abort(ed|Error)?$/.test(thrown.message);
}

/**
 * LangChain's Gemini models leave the tokens of thoughts out of everything but the total. With other models, a surplus there is
 * something else: cached tokens with some versions for Bedrock.
 */
function withThoughts(usage: unknown): unknown {
  const {
    input_tokens: input,
    output_tokens: output,
    total_tokens: total,
    output_token_details: details,
  } = Object(usage);
  const surplus = total - input - output;
  return surplus > 0 && details?.reasoning === undefined
    ? { ...Object(usage), output_token_details: { ...details, reasoning: surplus } }
    : usage;
}

function textOf(...values: readonly unknown[]): string | undefined {
  return values.find((value): value is string => typeof value === 'string' && value.trim() !== '');
}

/** What is serialised has a name, or else a path that ends with its class. */
function nameOf(serialized: unknown): string {
  const { name, id } = Object(serialized);
  return textOf(name, Array.isArray(id) ? id.at(-1) : undefined) ?? 'unknown';
}
