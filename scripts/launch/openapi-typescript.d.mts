export function ensureOpenapiTypescript(): Promise<string>;
