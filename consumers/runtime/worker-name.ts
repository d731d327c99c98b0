import type { Time } from './time.ts';

/** Names a worker among those that do the same: two of them have the same name never, or the chance was not one. */
export function nameOfWorker({ random }: Time): string {
  return [random(), random()].map((part) => part.toString(36).slice(2)).join('');
}
