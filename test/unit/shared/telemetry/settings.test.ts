import { describe, expect, it } from 'vitest';
import { telemetrySettings, TelemetrySettingError, type TelemetryVariables } from '../../../../shared/telemetry/settings.ts';

const ON = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
const of = (env: TelemetryVariables) => telemetrySettings(env, 'millrace-edge');

describe('the settings of traces', () => {
  it.each<TelemetryVariables>([
    {},
    { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
    { OTEL_TRACES_SAMPLER_ARG: '0.5' },
    { ...ON, OTEL_SDK_DISABLED: 'TRUE' },
    { ...ON, OTEL_TRACES_EXPORTER: 'none' },
  ])('are none without an endpoint, or switched off: %o', (env) => {
    expect(of(env)).toBeUndefined();
  });

  it('are by default what OpenTelemetry says', () => {
    expect(of(ON)).toEqual({
      url: 'http://collector:4318/v1/traces',
      headers: {},
      sampler: 'parentbased_always_on',
      ratio: 1,
      serviceName: 'millrace-edge',
      resource: {},
    });
  });

  it('take the address of traces as it is, and their headers over the common ones', () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces.example.com/otlp',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-key=common, x-more=a%20b',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-key=own',
    };
    expect(of(env)).toMatchObject({ url: 'https://traces.example.com/otlp', headers: { 'x-key': 'own', 'x-more': 'a b' } });
    expect(of({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318//' })?.url).toBe('http://collector:4318/v1/traces');
  });

  it('name the service, first by its own variable', () => {
    const resource = { OTEL_RESOURCE_ATTRIBUTES: 'service.name=a,deployment.environment.name=staging' };
    expect(of({ ...ON, ...resource })).toMatchObject({
      serviceName: 'a',
      resource: { 'deployment.environment.name': 'staging' },
    });
    expect(of({ ...ON, ...resource, OTEL_SERVICE_NAME: 'b' })?.serviceName).toBe('b');
  });

  it.each<[string, TelemetryVariables]>([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', { OTEL_EXPORTER_OTLP_ENDPOINT: 'grpc://collector:4317' }],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'collector' }],
    ['OTEL_EXPORTER_OTLP_HEADERS', { ...ON, OTEL_EXPORTER_OTLP_HEADERS: 'a-secret-without-a-name' }],
    ['OTEL_EXPORTER_OTLP_HEADERS', { ...ON, OTEL_EXPORTER_OTLP_HEADERS: 'x-key=%a-secret' }],
    ['OTEL_TRACES_SAMPLER', { ...ON, OTEL_TRACES_SAMPLER: 'sometimes' }],
    ['OTEL_TRACES_SAMPLER_ARG', { ...ON, OTEL_TRACES_SAMPLER_ARG: '1.5' }],
    ['OTEL_TRACES_SAMPLER_ARG', { ...ON, OTEL_TRACES_SAMPLER_ARG: 'a lot' }],
    ['OTEL_TRACES_EXPORTER', { ...ON, OTEL_TRACES_EXPORTER: 'zipkin' }],
  ])('that cannot be used are named, and their values are not: %s', (name, env) => {
    const refused = (): unknown => of(env);
    expect(refused).toThrow(TelemetrySettingError);
    expect(refused).toThrow(name);
    expect(refused).not.toThrow('secret');
  });
});
