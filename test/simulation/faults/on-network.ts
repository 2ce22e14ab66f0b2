import { cut, type Link, mend } from '../model/link.ts';
import type { FaultKind } from '../scenario.ts';
import type { Blow } from './fault.ts';

/** A little more than a call's deadline. */
const SLOWEST_MS = 1200;

/** What happens between a host and etcd. */
export const onNetwork = {
  'cut off': (blow) => cutOff(blow, 'both'),
  'requests lost': (blow) => cutOff(blow, 'requests'),
  'answers lost': (blow) => cutOff(blow, 'answers'),
  lossy: ({ host: { link }, strength, until }) => {
    link.requestLoss = strength / 2;
    link.answerLoss = strength / 2;
    until(() => {
      link.requestLoss = 0;
      link.answerLoss = 0;
    });
  },
  'slow requests': ({ host: { link }, strength, until }) => {
    link.requestsLateMs = strength * SLOWEST_MS;
    until(() => {
      link.requestsLateMs = 0;
    });
  },
  'slow answers': ({ host: { link }, strength, until }) => {
    link.answersLateMs = strength * SLOWEST_MS;
    until(() => {
      link.answersLateMs = 0;
    });
  },
  'watch reset': ({ host: { link } }) => resetStreams(link),
  /** A member that lags and breaks its streams while they are catching up. */
  'watch flapping': ({ world: { timeline, random }, host: { link }, fault, strength, until }) => {
    link.watchLagMs = 300 + strength * 1500;
    until(() => {
      link.watchLagMs = 0;
    });
    for (let at = 0; at < fault.forMs; at += random.between(100, 700)) {
      timeline.after(at, () => resetStreams(link));
    }
  },
  /** Events come again, as they do when a stream is resumed inclusively, and from members that are behind. */
  'watch duplicated': ({ host: { link }, strength, until }) => {
    link.watchRepeats = strength;
    until(() => {
      link.watchRepeats = 0;
    });
  },
  'watch lagging': ({ host: { link }, strength, until }) => {
    link.watchLagMs = strength * 3000;
    until(() => {
      link.watchLagMs = 0;
    });
  },
} satisfies Partial<Record<FaultKind, (blow: Blow) => void>>;

function resetStreams({ streams }: Link): void {
  for (const stream of [...streams]) stream.reset();
}

function cutOff({ host: { link }, until }: Blow, direction: 'both' | 'requests' | 'answers'): void {
  cut(link, direction);
  until(() => mend(link));
}
