import { isLoopback } from '@toolweaver/analytics-core/backend';
import { expect, test } from 'vitest';

const hostOf = (host: string): string => new URL(`http://${host}`).hostname;

test.each(['localhost', '127.0.0.1', '127.1', '127.255.0.9', '[::1]', '[0:0::1]'])('%s is this machine', (host) => {
  expect(isLoopback(hostOf(host))).toBe(true);
});

// Who answers for a name below `localhost` is up to the system.
test.each(['localhost.example', 'a.localhost', '127.0.0.1.example', '10.0.0.1', '0.0.0.0', '[::]', '[::2]'])(
  '%s may be another',
  (host) => {
    expect(isLoopback(hostOf(host))).toBe(false);
  },
);
