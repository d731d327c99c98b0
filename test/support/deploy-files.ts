import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

/** What deploy/ says to Prometheus and Grafana, as far as tests look at it. */

const ROOT = join(import.meta.dirname, '../..');

const rules = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string(),
          expr: z.string(),
          for: z.string().optional(),
          labels: z.strictObject({ severity: z.enum(['page', 'ticket']) }),
          annotations: z.strictObject({ summary: z.string(), runbook_url: z.string() }),
        }),
      ),
    }),
  ),
});
export type AlertRule = z.infer<typeof rules>['groups'][number]['rules'][number];

const dashboard = z.object({
  uid: z.string(),
  panels: z.array(
    z.object({
      id: z.int(),
      title: z.string(),
      gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
      targets: z.array(z.object({ refId: z.string(), expr: z.string() })).default([]),
    }),
  ),
});

const environment = z.record(z.string(), z.string());
const compose = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      command: z.array(z.string()).optional(),
      entrypoint: z.array(z.string()).optional(),
      environment: environment.optional(),
      volumes: z.array(z.string()).optional(),
      secrets: z.array(z.union([z.string(), z.object({ source: z.string(), target: z.string() })])).optional(),
      stop_grace_period: z.string().optional(),
    }),
  ),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
  volumes: z.record(z.string(), z.null()),
});
export type Compose = z.infer<typeof compose>;

/** As Compose reads it: with its merge keys resolved. */
export function composeFile(): Compose {
  return compose.parse(parse(readText('deploy/docker/compose.yml'), { merge: true }));
}

export function composeServices(): Compose['services'] {
  return composeFile().services;
}

export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

export function alertRules(): AlertRule[] {
  return rules.parse(parse(readText('deploy/prometheus/alerts.yml'))).groups.flatMap((group) => group.rules);
}

export function dashboardPanels(): z.infer<typeof dashboard>['panels'] {
  return dashboard.parse(JSON.parse(readText('deploy/grafana/dashboards/millrace.json'))).panels;
}
