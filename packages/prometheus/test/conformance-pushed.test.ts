import { prometheus } from '@toolweaver/analytics-prometheus';
import { type Subject, testBackend } from '@toolweaver/analytics-testkit';
import { describe, test } from 'vitest';
import { startGateway } from './support/gateway.ts';
import { observe } from './support/observe.ts';
import { counted } from './support/skips.ts';

describe('prometheus(), pushed', () => {
  testBackend({
    test,
    skip: counted,
    async create(): Promise<Subject> {
      const gateway = await startGateway();
      const authorization = 'Bearer s3cr3t-of-the-gateway';
      const backend = await prometheus({
        pushgateway: { url: gateway.url, job: 'laws', intervalMs: 0, authorization },
      });
      return {
        backend,
        observe: () => observe(gateway.groups.get('/metrics/job/laws') ?? '\n'),
        breakFarSide() {
          gateway.isBroken = true;
        },
        repairFarSide() {
          gateway.isBroken = false;
        },
        secrets: [authorization],
        dispose: gateway.close,
      };
    },
  });
});
