import { telemetrySettings, type TelemetryVariables } from '../../shared/telemetry/settings.ts';
import { NO_TRACER, type Tracer } from '../../shared/telemetry/tracer.ts';
import { describe, type Log } from './log.ts';

/** What is traced, and how that ends. */
export interface Telemetry {
  tracer: Tracer;
  /** Sends what is left, within a bound. Never rejects. */
  stop(): Promise<void>;
}

const SERVICE_NAME = 'millrace-consumers';
const OFF: Telemetry = { tracer: NO_TRACER, stop: async () => undefined };

/**
 * Without an OTLP endpoint nothing is traced, and nothing of OpenTelemetry is loaded. Where it is not installed the log says so,
 * and the consumers run without. Throws TelemetrySettingError for a variable that cannot be used.
 */
export async function openTelemetry(env: TelemetryVariables, log: Log): Promise<Telemetry> {
  const settings = telemetrySettings(env, SERVICE_NAME);
  if (settings === undefined) return OFF;
  try {
    const { startTelemetry } = await import('../telemetry/start.ts');
    return startTelemetry(settings, log);
  } catch (error) {
    log('error', 'nothing is traced: run npm ci in consumers/telemetry', { error: describe(error) });
    return OFF;
  }
}
