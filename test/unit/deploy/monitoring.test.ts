import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { alertRules, dashboardPanels, readText } from '../../support/deploy-files.ts';
import { listedMetrics, metricNames } from '../../support/metric-names.ts';

const listed = listedMetrics(readText('docs/metrics.md'));
const alerts = alertRules();
const panels = dashboardPanels();
const expressions = [...alerts.map(({ expr }) => expr), ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))];

describe('alerts and the dashboard', () => {
  it('ask for metrics that there are', () => {
    expect(expressions.flatMap(metricNames).filter((name) => !listed.has(name))).toEqual([]);
  });

  it('leave out none that says how the system is', () => {
    const shown = new Set(expressions.flatMap(metricNames));
    expect([...listed].filter((name) => !shown.has(name) && !name.endsWith('_timestamp_seconds'))).toEqual([]);
  });
});

describe('each alert', () => {
  const operations = readText('docs/operations.md');
  const headings = [...operations.matchAll(/^#+ (.+)$/gm)].map(([, text = '']) => text);

  it('has a name of its own', () => {
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  });

  it('has a section of operations.md, and links to it; and no section is of an alert that is gone', () => {
    for (const { alert, annotations } of alerts) {
      expect(headings, alert).toContain(alert);
      expect(annotations.runbook_url).toBe(`docs/operations.md#${alert.toLowerCase()}`);
    }
    const names = alerts.map(({ alert }) => alert);
    expect(headings.filter((heading) => /^Millrace[A-Z]/.test(heading) && !names.includes(heading))).toEqual([]);
  });

  it('has a test that it fires, and one that it does not', () => {
    const suite = z
      .object({
        tests: z.array(
          z.object({ alert_rule_test: z.array(z.object({ alertname: z.string(), exp_alerts: z.array(z.unknown()) })) }),
        ),
      })
      .parse(parse(readText('deploy/prometheus/alerts.test.yml')));
    const cases = suite.tests.flatMap(({ alert_rule_test }) => alert_rule_test);
    for (const { alert } of alerts) {
      const outcomes = cases.filter(({ alertname }) => alertname === alert).map(({ exp_alerts }) => exp_alerts.length > 0);
      expect(new Set(outcomes), alert).toEqual(new Set([true, false]));
    }
  });
});

describe('the dashboard', () => {
  it('has panels of different ids that do not lie on each other', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });
});
