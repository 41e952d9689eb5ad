export function percent(ratio: number): string {
  return `${Number((ratio * 100).toFixed(3))} %`;
}
