/** What OpenTelemetry's own variables say of traces (its specification: environment variables, OTLP exporter). */

export interface TelemetrySettings {
  /** where traces are posted, as OTLP over HTTP */
  url: string;
  headers: Readonly<Record<string, string>>;
  sampler: SamplerName;
  /** of the traces that begin here, 0 to 1 */
  ratio: number;
  serviceName: string;
  resource: Readonly<Record<string, string>>;
}

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
export type SamplerName = (typeof SAMPLERS)[number];

/** Read by both the edge and the consumers; `npm start` hands them on. */
export const TELEMETRY_VARIABLES = [
  'OTEL_SDK_DISABLED',
  'OTEL_TRACES_EXPORTER',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
  'OTEL_TRACES_SAMPLER',
  'OTEL_TRACES_SAMPLER_ARG',
  'OTEL_SERVICE_NAME',
  'OTEL_RESOURCE_ATTRIBUTES',
] as const;
export type TelemetryVariables = Readonly<Partial<Record<(typeof TELEMETRY_VARIABLES)[number], string | undefined>>>;

/** A variable that cannot be used; the message names it, and never its value: headers hold secrets. */
export class TelemetrySettingError extends Error {}

/** Undefined: nothing is traced. Throws TelemetrySettingError. */
export function telemetrySettings(env: TelemetryVariables, serviceName: string): TelemetrySettings | undefined {
  const url = urlFrom(env);
  if (url === undefined || env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || env.OTEL_TRACES_EXPORTER === 'none')
    return undefined;
  if (env.OTEL_TRACES_EXPORTER && env.OTEL_TRACES_EXPORTER !== 'otlp') {
    throw new TelemetrySettingError('OTEL_TRACES_EXPORTER must be otlp or none');
  }
  const headers = pairs('OTEL_EXPORTER_OTLP_HEADERS', env.OTEL_EXPORTER_OTLP_HEADERS);
  const ofTraces = pairs('OTEL_EXPORTER_OTLP_TRACES_HEADERS', env.OTEL_EXPORTER_OTLP_TRACES_HEADERS);
  const { 'service.name': named, ...resource } = pairs('OTEL_RESOURCE_ATTRIBUTES', env.OTEL_RESOURCE_ATTRIBUTES);
  return {
    url,
    headers: { ...headers, ...ofTraces },
    sampler: samplerFrom(env.OTEL_TRACES_SAMPLER),
    ratio: ratioFrom(env.OTEL_TRACES_SAMPLER_ARG),
    serviceName: env.OTEL_SERVICE_NAME || named || serviceName,
    resource,
  };
}

function urlFrom(env: TelemetryVariables): string | undefined {
  const [variable, given] = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
    ? (['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT] as const)
    : (['OTEL_EXPORTER_OTLP_ENDPOINT', env.OTEL_EXPORTER_OTLP_ENDPOINT] as const);
  if (given === undefined || given === '') return undefined;
  if (!/^https?:\/\//.test(given) || !URL.canParse(given)) {
    throw new TelemetrySettingError(`${variable} must be an http or https address`);
  }
  return variable === 'OTEL_EXPORTER_OTLP_ENDPOINT' ? `${given.replace(/\/+$/, '')}/v1/traces` : given;
}

/** `a=1,b=2`, values percent-encoded (W3C Baggage). */
function pairs(variable: string, text: string | undefined): Record<string, string> {
  const found: Record<string, string> = {};
  for (const pair of (text ?? '').split(',')) {
    if (pair.trim() === '') continue;
    const at = pair.indexOf('=');
    if (at < 1) throw new TelemetrySettingError(`${variable} must be a list like name=value,other=value`);
    try {
      found[pair.slice(0, at).trim()] = decodeURIComponent(pair.slice(at + 1).trim());
    } catch {
      throw new TelemetrySettingError(`${variable} has a value that is not percent-encoded`);
    }
  }
  return found;
}

function samplerFrom(name: string | undefined): SamplerName {
  if (name === undefined || name === '') return 'parentbased_always_on';
  const found = SAMPLERS.find((each) => each === name);
  if (found === undefined) throw new TelemetrySettingError(`OTEL_TRACES_SAMPLER must be one of ${SAMPLERS.join(', ')}`);
  return found;
}

function ratioFrom(text: string | undefined): number {
  if (text === undefined || text === '') return 1;
  const ratio = Number(text);
  if (!(ratio >= 0 && ratio <= 1)) throw new TelemetrySettingError('OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1');
  return ratio;
}
