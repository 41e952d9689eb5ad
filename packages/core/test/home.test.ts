import { homedir } from 'node:os';
import { join } from 'node:path';
import { expandHome } from '@toolweaver/analytics-core/backend';
import { expect, test, vi } from 'vitest';

test.each([
  ['~', homedir()],
  ['~/runs', join(homedir(), 'runs')],
  ['~\\runs', join(homedir(), '\\runs')],
  ['~ada', '~ada'],
  ['runs/~', 'runs/~'],
  ['', ''],
])('%j becomes %j', (path, expected) => {
  expect(expandHome(path, 'path')).toBe(expected);
});

test('a user without a home directory has to give paths in full', async () => {
  vi.resetModules();
  vi.doMock('node:os', async (original) => ({
    ...(await original<typeof import('node:os')>()),
    homedir() {
      throw new Error('ENOENT: uv_os_homedir');
    },
  }));
  const { expandHome } = await import('../src/home.ts');
  vi.doUnmock('node:os');
  vi.resetModules();
  const message = 'must be given in full (or not at all), as this user has no home directory';
  expect(() => expandHome('~/runs', 'dir', ' (or not at all)')).toThrow(
    expect.objectContaining({ code: 'INVALID_CONFIG', problems: [{ field: 'dir', message }] }),
  );
  expect(expandHome('/runs', 'dir')).toBe('/runs');
});
