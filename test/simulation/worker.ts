import { parentPort, workerData } from 'node:worker_threads';
import { performTask } from './tasks.ts';

parentPort?.postMessage(await performTask(workerData));
