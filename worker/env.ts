import type { Inbox } from './inbox/inbox.ts';
import type { Session } from './session/session.ts';
import type { Uplink } from './uplink/uplink.ts';

/** Bindings and variables of wrangler.toml. Secrets come by `wrangler secret put`, or from DATA_DIR locally. */
export interface Env {
  SESSION: DurableObjectNamespace<Session>;
  INBOX: DurableObjectNamespace<Inbox>;
  UPLINK: DurableObjectNamespace<Uplink>;
  /** dist/web: the pages */
  ASSETS: Fetcher;
  /** OpenID Connect for the pages: who issues the tokens that this edge takes, and as whom the pages ask for one */
  OIDC_ISSUER?: string;
  OIDC_CLIENT_ID?: string;
  /** `openid profile` */
  OIDC_SCOPE?: string;
  /** sent as `audience`, where the provider wants one to issue JWTs */
  OIDC_AUDIENCE?: string;
  /** ws:// or wss:// address of NATS, comma-separated for a cluster */
  NATS_WS_URL: string;
  /** contents of a NATS .creds file, or an NKEY seed */
  NATS_CREDS?: string;
  /** at least 32 bytes */
  JWT_SECRET?: string;
  /** the one before, accepted as well while secrets are changed */
  JWT_SECRET_OLD?: string;
  /** address of a JSON Web Key Set, for RS256, ES256 and EdDSA */
  JWT_JWKS_URL?: string;
  JWT_ISSUER?: string;
  JWT_AUDIENCE?: string;
  /** at least 32 bytes: signs what consumers send to the edge */
  INTERNAL_SECRET?: string;
  /** the one before, accepted as well while secrets are changed */
  INTERNAL_SECRET_OLD?: string;
  /** exact origins, comma-separated */
  ALLOWED_ORIGINS?: string;
  PUBLIC_URL?: string;
  /** size of the Uplink pool */
  UPLINKS?: string;
  /** 'production' or 'local' */
  ENVIRONMENT?: string;
  /** JSON {tenant: {jurisdiction?, locationHint?}} */
  TENANT_PLACEMENT?: string;
  LIMIT_COMMANDS_PER_S?: string;
  LIMIT_COMMANDS_BURST?: string;
  LIMIT_SESSION_COMMANDS_PER_S?: string;
  LIMIT_SOCKETS_PER_USER?: string;
  LIMIT_FRAMES_PER_S?: string;
  LIMIT_FRAMES_BURST?: string;
  LIMIT_UNPERSISTED_EVENTS?: string;
  LIMIT_UNPERSISTED_BYTES?: string;
  LIMIT_EMBEDDED_MESSAGES?: string;
  REPAIR_AFTER_MS?: string;
  /** 'off': Sessions count nothing for GET /metrics */
  EDGE_METRICS?: string;
  /** traces: the names are OpenTelemetry's own (shared/telemetry/settings.ts) */
  OTEL_SDK_DISABLED?: string;
  OTEL_TRACES_EXPORTER?: string;
  OTEL_EXPORTER_OTLP_ENDPOINT?: string;
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?: string;
  OTEL_EXPORTER_OTLP_HEADERS?: string;
  OTEL_EXPORTER_OTLP_TRACES_HEADERS?: string;
  OTEL_TRACES_SAMPLER?: string;
  OTEL_TRACES_SAMPLER_ARG?: string;
  OTEL_SERVICE_NAME?: string;
  OTEL_RESOURCE_ATTRIBUTES?: string;
}
