import type { Attributes } from '@opentelemetry/api';
import { JsonLogsSerializer, ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import type { Resource } from '@opentelemetry/resources';
import type { AnalyticsError, RatingEvent } from '@toolweaver/analytics-core';
import type { Manner } from './metrics-exporter.ts';
import type { Sender } from './sender.ts';
import { type Encoding, type PartialSuccess, type ReadAnswer, readPartialSuccess } from './verdict.ts';

const serializers = { protobuf: ProtobufLogsSerializer, json: JsonLogsSerializer };
type LogRecord = Parameters<typeof ProtobufLogsSerializer.serializeRequest>[0][number];

/** Unlike with metrics, each event is kept on its own, so the queue needs a bound. */
const maxWaiting = 4096;

export interface Evaluations {
  add(rating: RatingEvent): void;
  /** Sends what is queued. After a failure it stays queued, up to the bound; what the receiver refused is lost. */
  push(manner: Manner, signal: AbortSignal): Promise<void>;
  /** Empties the queue, and counts what was in it as lost. */
  giveUp(): void;
}

/** Sends ratings as events of OpenTelemetry's GenAI conventions, in OTLP logs. `onLoss` is called with the total lost so far. */
export function createEvaluations(
  sender: Sender,
  url: URL,
  encoding: Encoding,
  resource: Resource,
  scope: { readonly name: string },
  onLoss: (count: number) => void,
): Evaluations {
  let waiting: LogRecord[] = [];
  let lost = 0;

  function lose(count: number): void {
    if (count > 0) {
      lost += count;
      onLoss(lost);
    }
  }

  return {
    add({ at, skillId, rating, executionId }) {
      const hrTime: [number, number] = [Math.floor(at / 1000), (at % 1000) * 1e6];
      const attributes: Attributes = {
        'gen_ai.evaluation.name': 'rating',
        'gen_ai.evaluation.score.value': rating,
        'toolweaver.skill.id': skillId,
      };
      if (executionId !== undefined) {
        attributes['toolweaver.execution.id'] = executionId;
      }
      const record: LogRecord = {
        hrTime,
        hrTimeObserved: hrTime,
        eventName: 'gen_ai.evaluation.result',
        attributes,
        resource,
        instrumentationScope: scope,
        droppedAttributesCount: 0,
      };
      if (waiting.length < maxWaiting) {
        waiting.push(record);
      } else {
        lose(1);
      }
    },
    async push(manner, signal) {
      if (waiting.length === 0) {
        return;
      }
      const records = waiting;
      waiting = [];
      const body = serializers[encoding].serializeRequest(records) as Uint8Array;
      /** How many of the records the receiver refused, where it accepted the others. */
      let refused = 0;
      const read: ReadAnswer = (answer, encoding) => {
        const partial = readAnswer(answer, encoding);
        refused = Math.min(partial.rejected, records.length);
        return partial;
      };
      try {
        await sender.send({ url, body, read, ...manner }, signal);
      } catch (thrown) {
        const { code } = thrown as AnalyticsError;
        // Refused records would be refused again, and sending them again would duplicate those that were accepted.
        const kept = code === 'EVENTS_REJECTED' || code === 'TOO_LARGE' ? [] : records;
        const all = [...kept, ...waiting];
        waiting = all.slice(0, maxWaiting);
        lose((refused || records.length - kept.length) + all.length - waiting.length);
        throw thrown;
      }
    },
    giveUp() {
      lose(waiting.length);
      waiting = [];
    },
  };
}

function readAnswer(body: Uint8Array, encoding: Encoding): PartialSuccess {
  return readPartialSuccess(body, encoding, ProtobufLogsSerializer, 'rejectedLogRecords');
}
