export interface ErrorDefinition {
  readonly status: number;
  readonly title: string;
  /** True when the same work may succeed later; false when only another input can. */
  readonly retryable: boolean;
  /** What the person who reads it can do. */
  readonly hint: string;
}

export const define = (status: number, retryable: boolean, title: string, hint: string): ErrorDefinition => ({
  status,
  title,
  retryable,
  hint,
});
