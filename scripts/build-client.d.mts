export interface BuiltClient {
  /** what each bundle was made of, path from the root */
  inputs: { core: string[]; react: string[] };
}
export function buildClient(folder: string): Promise<BuiltClient>;
