/** One line of what `check` reports. A warning is nothing that would stop the agent. */
export interface Finding {
  readonly subject: string;
  readonly verdict: 'ok' | 'warning' | 'FAILED';
  readonly text: string;
  /** The exit status that a failure asks for. */
  readonly status?: number;
}
