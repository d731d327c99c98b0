import { refusal, type ErrorCode, type Refusal } from '../../shared/core/codes.ts';

/** An expected refusal on its way to the one place that dresses it as a problem (middleware/problems.ts). */
export class Refused extends Error {
  readonly refusal: Refusal;
  readonly headers: Readonly<Record<string, string>>;

  constructor(refused: Refusal, headers: Readonly<Record<string, string>> = {}) {
    super(refused.code);
    this.refusal = refused;
    this.headers = headers;
  }
}

export function refuse(code: ErrorCode, detail: string, headers: Readonly<Record<string, string>> = {}): Refused {
  return new Refused(refusal(code, detail), headers);
}
