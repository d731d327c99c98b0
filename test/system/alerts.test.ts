import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { run } from '../../scripts/launch/common.mjs';
import { ensurePromtool } from '../../scripts/launch/promtool.mjs';
import { dashboardPanels } from '../support/deploy-files.ts';
import { requireOrSkip } from '../support/requirement.ts';

/** Prometheus' own tool judges what deploy/ gives it. */

const PROMETHEUS = join(import.meta.dirname, '../../deploy/prometheus');
const PROMTOOL_MS_MAX = 60_000;

const work = mkdtempSync(join(tmpdir(), 'millrace-promtool-'));
let promtool = '';
const missing = await ensurePromtool().then(
  (path) => {
    promtool = path;
    return undefined;
  },
  (error: unknown) => String(error),
);

async function says(...args: string[]): Promise<{ code: number; output: string }> {
  return await run(promtool, args, { timeoutMs: PROMTOOL_MS_MAX });
}

requireOrSkip('promtool', missing)('what deploy/prometheus and deploy/grafana say', () => {
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  test('the rules are rules, and the configuration is one', async () => {
    expect(await says('check', 'rules', join(PROMETHEUS, 'alerts.yml'))).toMatchObject({ code: 0 });
    const configured = await says('check', 'config', '--syntax-only', join(PROMETHEUS, 'prometheus.yml'));
    expect(configured, configured.output).toMatchObject({ code: 0 });
  });

  test('each alert fires when it should, and not before', async () => {
    const tested = await says('test', 'rules', join(PROMETHEUS, 'alerts.test.yml'));
    expect(tested, tested.output).toMatchObject({ code: 0 });
  });

  test('every expression of the dashboard can be asked', async () => {
    const expressions = dashboardPanels().flatMap(({ id, targets }) =>
      targets.map(({ refId, expr }) => ({ record: `panel_${id}_${refId.toLowerCase()}`, expr })),
    );
    expect(expressions.length).toBeGreaterThan(0);
    const file = join(work, 'dashboard.yml');
    const checked = async (rules: typeof expressions): Promise<{ code: number; output: string }> => {
      writeFileSync(file, stringify({ groups: [{ name: 'dashboard', rules }] }));
      return await says('check', 'rules', file);
    };
    const all = await checked(expressions);
    expect(all, all.output).toMatchObject({ code: 0 });
    // and what is no expression would be found
    expect((await checked([{ record: 'panel', expr: 'sum(millrace_sockets' }])).code).not.toBe(0);
  });
});
