/** Whether these variables ask for traces. */
export function wantsTelemetry(env: Readonly<Record<string, string | undefined>>): boolean;
/** Installs OpenTelemetry's packages for edge and consumers, as locked. Throws an Error that says what to do. */
export function ensureTelemetryPackages(folders?: readonly string[]): Promise<void>;
