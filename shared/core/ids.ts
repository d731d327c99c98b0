/** Id rules of contract §1 and §7. */
export const ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;
/** 1–128 printable ASCII without `/` and space */
export const USER_ID_PATTERN = /^[!-.0-~]{1,128}$/;
export const TENANT_PATTERN = /^[a-z0-9-]{1,32}$/;
/** 1–128 visible ASCII */
export const IDEMPOTENCY_KEY_PATTERN = /^[!-~]{1,128}$/;
/** 1–128 visible ASCII: kept in rows and log lines, so nothing that could break one */
export const CORRELATION_ID_PATTERN = /^[!-~]{1,128}$/;
/** W3C Trace Context, version 00 */
export const TRACEPARENT_PATTERN = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Makes a UUIDv8 (RFC 9562 §5.8) of the first 16 bytes of a digest: the session id derived from tenant, actor and key. */
export function uuidV8(digest: Uint8Array): string {
  const bytes = digest.slice(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
