export interface BuiltClient {
  /** what each bundle was made of, path from the root */
  inputs: Record<'index' | 'react' | 'admin' | 'react-admin', string[]>;
}
export function buildClient(folder: string): Promise<BuiltClient>;
