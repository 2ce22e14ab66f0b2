import type { Lab, LabOptions } from '../../test/lab/support/lab.ts';
import type { Service } from '../../test/lab/support/service.ts';

/** A program that moves addresses, set in one way. */
export interface Contestant {
  readonly name: string;
  /** Its command, where it is not ours: it may be missing. */
  readonly command?: string;
  readonly lab: LabOptions;
  /** Starts it on every host of a lab that has none yet. */
  readonly enter: (lab: Lab) => Promise<Entrant>;
}

/** A contestant at work on the hosts of a lab. */
export interface Entrant {
  readonly on: (host: string) => Service;
  /** Resolves when the host could take addresses again, and nothing is about to move. */
  readonly ready: (host: string) => Promise<void>;
  /** What an operator does to get the address off a host in an orderly way. */
  readonly moveAway: (host: string) => Promise<void>;
  /** Takes back what moveAway did, where anything is to be taken back. */
  readonly comeBack: (host: string) => Promise<void>;
  /** What notices, where that is somebody else's task, that the contestant of a host is gone. */
  readonly lost?: (host: string) => Promise<void>;
}

/** The address that is measured, and the only one: some contestants know no more. */
export const ADDRESS = '10.77.0.101';
