import type { ExecutionKind, RecommendationType } from '@toolweaver/analytics-core';
import type { ColumnType, Generated } from 'kysely';

// The tables as the queries see them.

type Bytes = ColumnType<Buffer>;

interface EventRow {
  /** For executions, the time and the tail of the id, which a JavaScript number cannot hold: compare it, but do not read it. */
  readonly seq: Generated<number>;
  readonly id: Bytes;
  /** Unix time in ms. */
  readonly at: number;
  /** Ids of the dictionary. */
  readonly run: number | null;
  readonly user: number | null;
  readonly org: number | null;
  /** NULL means 1. */
  readonly weight: number | null;
  /** JSON. */
  readonly attributes: string | null;
}

interface ExecutionRow extends EventRow {
  readonly subject: number;
  /** 0 or 1. */
  readonly success: number;
  readonly latency_ms: number | null;
  readonly parent_id: Bytes | null;
  readonly error_type: number | null;
  readonly error_message: string | null;
  readonly version: number | null;
  readonly toolkit: number | null;
  readonly attempt: number | null;
  readonly cache_hit: number | null;
  readonly input_bytes: number | null;
  readonly output_bytes: number | null;
  readonly model: number | null;
  readonly provider: number | null;
  readonly input_tokens: number | null;
  readonly cache_read_tokens: number | null;
  readonly cache_write_tokens: number | null;
  readonly output_tokens: number | null;
  readonly reasoning_tokens: number | null;
  /** NULL means unknown. */
  readonly cost_nano_usd: number | null;
  readonly cost_source: number | null;
}

interface RatingRow extends EventRow {
  readonly subject: number;
  readonly rating: number;
}

interface HealthRow extends EventRow {
  readonly subject: number;
  readonly score: number;
  readonly deprecated: number | null;
}

interface RecommendationRow {
  readonly id: Bytes;
  readonly user: number;
  readonly org: number | null;
  readonly subject: number;
  readonly type: RecommendationType;
  readonly score: number;
  readonly reason: string;
  /** Unix times in ms. */
  readonly at: number;
  readonly clicked_at: number | null;
  readonly installed_at: number | null;
}

export interface Tables {
  readonly dictionary: { readonly id: number; readonly text: string };
  readonly subjects: { readonly id: number; readonly kind: ExecutionKind; readonly name: string };
  readonly execution_events: ExecutionRow;
  readonly rating_events: RatingRow;
  readonly health_events: HealthRow;
  readonly recommendations: RecommendationRow;
}
