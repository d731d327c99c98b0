import type { UplinkApi } from './api.ts';

/** The Uplink as one request uses it: what it asks belongs to that request's trace. */
export function following(uplink: Pick<UplinkApi, 'request'>, traceparent: string | undefined): Pick<UplinkApi, 'request'> {
  if (traceparent === undefined) return uplink;
  return { request: (subject, payload) => uplink.request(subject, payload, traceparent) };
}
