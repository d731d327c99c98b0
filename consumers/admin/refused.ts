import type { AdminRefusal } from '../../shared/contract/admin.ts';
import type { ErrorCode } from '../../shared/core/codes.ts';

/** what is longer is cut: many of them may stand in one answer */
const DETAIL_CHARS_MAX = 1_000;

/** An expected refusal on its way to the one place that answers it (responder.ts). */
export class AdminRefused extends Error {
  readonly refusal: AdminRefusal;

  constructor(code: ErrorCode, detail: string) {
    super(code);
    this.name = 'AdminRefused';
    this.refusal = { code, detail: detail.slice(0, DETAIL_CHARS_MAX) };
  }
}
