/** What is not a storm of many faults but one fault looked at closely. */
export const SCENES = ['edge-kill', 'store-stop', 'nats-leader'] as const;
export type Scene = (typeof SCENES)[number];
