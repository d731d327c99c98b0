import { HEALTH_WORDS, type Health } from './health.ts';

export function StatusPill({ health, words = HEALTH_WORDS[health] }: { health: Health; words?: string }) {
  return (
    <span className="pill" data-health={health}>
      {words}
    </span>
  );
}
