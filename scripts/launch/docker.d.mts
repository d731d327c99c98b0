/** Does an engine answer within five seconds? Never rejects. */
export function dockerAnswers(): Promise<boolean>;
/** Fetches the image when it is not there; `size` is for people. Throws an Error of one line when it cannot be had. */
export function ensureImage(image: string, size: string): Promise<void>;
