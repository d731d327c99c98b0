/** Leaves the edge bundle in dist/edge/index.js; does nothing when its inputs are unchanged. Throws an Error that says what to do. */
export function ensureEdgeBundle(): Promise<void>;
