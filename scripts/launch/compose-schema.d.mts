export function ensureComposeSchema(): Promise<Record<string, unknown>>;
