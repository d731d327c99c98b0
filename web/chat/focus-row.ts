/** Gives focus to the message that holds this, which is about to go away: it would else begin anew at the top of the page. */
export function focusRowOf(field: Element | null): void {
  field?.closest<HTMLElement>('[data-index]')?.focus();
}
