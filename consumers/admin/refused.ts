import type { AdminRefusal } from '../../shared/contract/admin.ts';
import type { ErrorCode } from '../../shared/core/codes.ts';

/** An expected refusal on its way to the one place that answers it (responder.ts). */
export class AdminRefused extends Error {
  readonly refusal: AdminRefusal;

  constructor(code: ErrorCode, detail: string) {
    super(code);
    this.name = 'AdminRefused';
    this.refusal = { code, detail };
  }
}
