import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';
import { netlinkSocket } from '../../src/kernel/netlink.ts';

/** A network namespace with a cable between its eth0 and the other end's, for tests of what the real kernel does. */
export interface Namespace {
  readonly name: string;
  /** `ip …` in it; answers stdout, throws what `ip` says. */
  readonly ip: (...words: readonly string[]) => string;
  /** As netlinkSocket, in it. */
  readonly open: typeof netlinkSocket;
  readonly remove: () => void;
}

let made = 0;

export const noNamespaces =
  process.getuid?.() === 0 && spawnSync('ip', ['-V']).status === 0
    ? false
    : 'making network namespaces needs root and iproute2';

/** With loopback up and nothing else. The lab's sweeper knows the name, should this process be killed. */
export function aNamespace(): Namespace {
  made += 1;
  const name = `yaim-${process.pid}.${made}-kernel`;
  execFileSync('ip', ['netns', 'add', name]);
  const ip = (...words: readonly string[]): string =>
    execFileSync('ip', ['-n', name, ...words.flatMap((word) => word.split(' '))], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  ip('link set lo up');
  return {
    name,
    ip,
    open: (...options) => within(name, () => netlinkSocket(...options)),
    remove: () => execFileSync('ip', ['netns', 'delete', name]),
  };
}

/** eth0 of one namespace and eth0 of another, up, without duplicate detection. */
export function cable(left: Namespace, right: Namespace): void {
  left.ip(`link add eth0 type veth peer name eth0 netns ${right.name}`);
  for (const { name, ip } of [left, right]) {
    execFileSync('ip', ['netns', 'exec', name, 'sysctl', '-q', '-w', 'net.ipv6.conf.eth0.accept_dad=0']);
    ip('link set eth0 up');
  }
}

/** A socket belongs for ever to the namespace in which this thread was when it was made. */
function within<T>(name: string, make: () => T): T {
  const [own, other] = ['/proc/thread-self/ns/net', `/run/netns/${name}`].map((path) => openSync(path, 'r'));
  try {
    enter(other);
    return make();
  } finally {
    enter(own);
    for (const descriptor of [own, other]) if (descriptor !== undefined) closeSync(descriptor);
  }
}

const CLONE_NEWNET = 0x40000000;

function enter(descriptor: number | undefined): void {
  const setns = koffi.load('libc.so.6').func('int setns(int fd, int type)');
  if (setns(descriptor, CLONE_NEWNET) !== 0) throw new Error(`setns: errno ${koffi.errno()}`);
}
