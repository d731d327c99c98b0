export const NODE_VERSION: string;
export const NODE_VERSION_MIN: string;
export const NODE_PACKAGES: Record<string, string>;
export const NATS_SERVER_VERSION: string;
export const NATS_RELEASES_URL: string;
export const NATS_GO_MODULE: string;
export const CHROMIUM_PACKAGE: string;
