export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  /** Seconds and value. */
  readonly values: readonly (readonly [number, number])[];
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly value?: readonly [number, string];
      readonly values?: readonly (readonly [number, string])[];
    }[];
  };
}

/** Asks a Prometheus, at a moment or over a range in seconds; only numbers count as values. */
export async function query(
  url: string,
  expr: string,
  at: { readonly time: number } | { readonly start: number; readonly end: number; readonly step: number },
): Promise<Sample[]> {
  const parameters = Object.entries(at).map(([name, value]): [string, string] => [name, String(value)]);
  const response = await fetch(`${url}/api/v1/${'time' in at ? 'query' : 'query_range'}`, {
    method: 'POST',
    body: new URLSearchParams([['query', expr], ...parameters]),
  });
  const { status, error, data } = (await response.json()) as Answer;
  if (status !== 'success') {
    throw new Error(`${error} in ${expr}`);
  }
  return data.result
    .map(({ metric, value, values = value === undefined ? [] : [value] }) => ({
      metric,
      values: values.map(([at, text]) => [at, Number(text)] as const).filter(([, value]) => Number.isFinite(value)),
    }))
    .filter(({ values }) => values.length > 0);
}
