export interface OidcSettings {
  issuer: string;
  clientId: string;
  scope: string;
  audience?: string;
}

/** How people sign in at this edge, as the shell says it. */
export interface Settings {
  /** a local run, which gives a token to whoever picks a name */
  local: boolean;
  oidc?: OidcSettings;
}

export function readSettings(): Settings {
  const text = document.querySelector('meta[name="millrace"]')?.getAttribute('content') ?? '';
  try {
    // the edge that serves the shell wrote it
    return JSON.parse(text) as Settings;
  } catch {
    return { local: false };
  }
}
