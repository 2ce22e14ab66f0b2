import type { IKeyValue, IRequestOp } from 'etcd3';
import type { KeyValue } from '../domain/entries.ts';
import type { Condition, Header, Operation } from './api.ts';

/** etcd's messages, as etcd3 types them, and yaim's own: both directions. */

export function headerOf(header: { revision: string; raft_term: string }): Header {
  return { revision: Number(header.revision), term: header.raft_term };
}

export function keyValueOf(keyValue: IKeyValue): KeyValue {
  return {
    key: keyValue.key.toString(),
    value: keyValue.value.toString(),
    leaseId: keyValue.lease,
    modRevision: Number(keyValue.mod_revision),
  };
}

/** The end of the range of all keys that begin with `prefix`, which ends in a slash. */
export function endOfPrefix(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end.at(-1) ?? 0) + 1;
  return end;
}

export function compareOf(condition: Condition) {
  const key = Buffer.from(condition.key);
  if ('modRevision' in condition) {
    return { key, target: 'Mod', result: 'Equal', mod_revision: condition.modRevision } as const;
  }
  if ('leaseId' in condition)
    return { key, target: 'Lease', result: 'Equal', lease: condition.leaseId } as const;
  return { key, target: 'Version', result: condition.exists ? 'Greater' : 'Equal', version: 0 } as const;
}

export function requestOf(operation: Operation): IRequestOp {
  const key = Buffer.from(operation.key);
  if (operation.kind === 'delete') return { request_delete_range: { key } };
  return {
    request_put: { key, value: Buffer.from(operation.value), lease: operation.leaseId ?? 0 },
  };
}
