export function ensurePromtool(): Promise<string>;
