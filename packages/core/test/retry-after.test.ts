import { retryAfterMs } from '@toolweaver/analytics-core/backend';
import { expect, test } from 'vitest';

const now = Date.UTC(2026, 0, 1);

test.each([
  ['0', 0],
  ['7', 7000],
  ['0.25', 250],
  ['300', 300_000],
  ['9999999', 300_000],
  ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
  ['Thursday, 01-Jan-26 00:01:00 GMT', 60_000],
  ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
  ['Fri, 01 Jan 2027 00:00:00 GMT', 300_000],
])('%s asks for %d ms', (header, expected) => {
  expect(retryAfterMs(header, now)).toBe(expected);
});

// Some of them are dates, but not of HTTP.
test.each([undefined, null, '', ' ', 'soon', 'GMT', 'x GMT', '-1', '+1', '1e3', '0x10', '.5', '1 s', '2027-01-01'])(
  '%j asks for nothing',
  (header) => {
    expect(retryAfterMs(header, now)).toBeUndefined();
  },
);
