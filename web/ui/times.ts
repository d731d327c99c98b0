const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const DAY_AND_YEAR = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' });
const SHORT = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });

export function timeOf(at: string): string {
  return TIME.format(new Date(at));
}

export function fullTimeOf(at: string): string {
  return FULL.format(new Date(at));
}

/** The local day, for comparing: two times of one day have the same. */
export function dayKeyOf(at: string): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}

/** "Today", "Yesterday", else the day in words. */
export function dayOf(at: string, now = new Date()): string {
  const key = dayKeyOf(at);
  if (key === dayKeyOf(now.toISOString())) return 'Today';
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (key === dayKeyOf(yesterday.toISOString())) return 'Yesterday';
  const date = new Date(at);
  return (date.getFullYear() === now.getFullYear() ? DAY : DAY_AND_YEAR).format(date);
}

/** The time of today, else the day: what a list has room for. */
export function shortTimeOf(at: string, now = new Date()): string {
  return dayKeyOf(at) === dayKeyOf(now.toISOString()) ? timeOf(at) : SHORT.format(new Date(at));
}
