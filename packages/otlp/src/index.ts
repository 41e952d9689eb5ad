export { otlpFromEnv } from './env.ts';
export type { OtlpOptions, TlsFiles } from './options.ts';
export { type OtlpBackend, otlp } from './otlp.ts';
