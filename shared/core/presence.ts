/** What a device says of its user; a user who is away on every device is away. */
export type DeviceStatus = 'online' | 'away';
export type PresenceStatus = DeviceStatus | 'offline';

/** a user whose last socket closed is offline after this long: who comes back before was never gone */
export const OFFLINE_AFTER_MS = 15_000;
/** above so many members presence is asked for and not told (design decision 13) */
export const PRESENCE_TOLD_MEMBERS_MAX = 1_000;

/** One status over all devices of a user; undefined without any. */
export function overDevices(devices: readonly DeviceStatus[]): DeviceStatus | undefined {
  if (devices.length === 0) return undefined;
  return devices.includes('online') ? 'online' : 'away';
}
