export function ensureChdb(): Promise<string>;
