/** Figures as people read them. */
/** All digits up to 9,999, and beyond that about as many. */
export declare function countOf(value: number): string;
export declare function bytesOf(value: number): string;
/** Per second; a small rate is not nothing. */
export declare function rateOf(perS: number): string;
/** A length of time in its two largest units: "340 ms", "12 s", "3 min 5 s", "2 h 10 min", "4 d 3 h". */
export declare function durationOf(ms: number): string;
export declare function agoOf(at: string, nowMs: number): string;
export declare function percentOf(share: number): string;
