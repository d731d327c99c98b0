/** Optional packages that the lock names without an entry of their own. */
export function missingOptionalPackages(packages: Record<string, { optionalDependencies?: Record<string, string> }>): {
  name: string;
  version: string;
  parent: string;
}[];
