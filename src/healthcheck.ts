#!/usr/bin/env node
import { connect } from 'node:net';
import { endWith } from './cli/end.ts';
import { EXIT } from './cli/exit.ts';
import { ALIVE, lockName } from './cli/host-lock.ts';
import type { Config } from './config/config.ts';
import { loadConfig } from './config/load.ts';

/**
 * Ends with 0 when the agent of the configuration in the working directory answers, for a container's HEALTHCHECK. It
 * does not need the status page, which may be switched off or have lost its port to another program.
 */
const PATIENCE_MS = 3000;

function ask(config: Config): void {
  const socket = connect(lockName(config));
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error(`no answer within ${PATIENCE_MS} ms`)));
  socket.once('data', (answer) => {
    if (answer.toString() !== ALIVE) socket.destroy(new Error(`answered ${answer}`));
    else process.exit(EXIT.done);
  });
  socket.once('error', ({ message }) => {
    console.error(`yaim for ${config.service} on ${config.nodename} does not work: ${message}`);
    process.exit(EXIT.failed);
  });
}

try {
  ask(loadConfig({ environment: process.env }).config);
} catch (error) {
  process.exitCode = endWith(error);
}
