/** Exit statuses of the contract, after sysexits.h. */
export const EXIT = { done: 0, failed: 1, usage: 64, unreachable: 69, permission: 77, config: 78 } as const;

/** An end of a command that is no bug: one message, one status, no stack. */
export class CommandError extends Error {
  readonly status: number;
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CommandError';
    this.status = status;
  }
}
