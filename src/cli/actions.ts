import type { Command } from 'commander';
import type { DrainOptions } from './drain.ts';
import type { HistoryOptions } from './history.ts';
import type { ImportOptions } from './import.ts';
import type { IpAddOptions } from './ip-add.ts';
import type { IpMoveOptions } from './ip-move.ts';
import type { IpPinOptions } from './ip-pin.ts';
import type { PlanOptions } from './plan.ts';
import type { Shell } from './shells.ts';
import type { StatusOptions } from './status.ts';
import type { WaitOptions } from './wait.ts';

/** What the action of a command is called with: its arguments, its options. */
export interface Actions {
  readonly run: () => Promise<void>;
  readonly check: () => Promise<void>;
  readonly status: (options: StatusOptions) => Promise<void>;
  readonly history: (options: HistoryOptions) => Promise<void>;
  readonly plan: (options: PlanOptions) => Promise<void>;
  readonly explain: (address: string) => Promise<void>;
  readonly add: (address: string, options: IpAddOptions) => Promise<void>;
  readonly remove: (address: string) => Promise<void>;
  readonly list: (options: { readonly json?: boolean }) => Promise<void>;
  readonly move: (address: string, node: string, options: IpMoveOptions) => Promise<void>;
  readonly pin: (address: string, node: string, options: IpPinOptions) => Promise<void>;
  readonly unpin: (address: string, options: WaitOptions) => Promise<void>;
  readonly drain: (node: string | undefined, options: DrainOptions) => Promise<void>;
  readonly resume: (node: string | undefined, options: WaitOptions) => Promise<void>;
  readonly importPool: (options: ImportOptions) => Promise<void>;
  readonly completion: (program: Command, shell: Shell) => Promise<void>;
}
