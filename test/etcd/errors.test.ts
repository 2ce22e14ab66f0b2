import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EtcdError, type EtcdErrorKind } from '../../src/etcd/api.ts';
import { etcdErrorOf, isEndpointAtFault, isWorthAnotherEndpoint } from '../../src/etcd/errors.ts';

/** What etcd 3.4.23 and grpc-js 1.14 say, what kind of trouble it is, what a person reads, and who is at fault. */
const cases: readonly (readonly [string, EtcdErrorKind, string, 'endpoint' | 'cluster' | 'asker'])[] = [
  [
    '4 DEADLINE_EXCEEDED: Deadline exceeded after 1.001s,metadata filters: 0.001s,Waiting for LB pick',
    'timeout',
    'it did not answer in time',
    'endpoint',
  ],
  [
    '4 DEADLINE_EXCEEDED: Deadline exceeded after 1.000s,remote_addr=127.0.0.1:35847',
    'timeout',
    'it did not answer in time',
    'endpoint',
  ],
  ['etcdserver: request timed out', 'timeout', 'it did not answer in time', 'endpoint'],
  [
    '14 UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:35847. Resolution note: ',
    'unreachable',
    'connection refused',
    'endpoint',
  ],
  [
    '14 UNAVAILABLE: No connection established. Last error: Error: unable to verify the first certificate; if the root CA is installed locally, try running Node.js with --use-system-ca. Resolution note: ',
    'unreachable',
    'its TLS certificate is not accepted: unable to verify the first certificate',
    'endpoint',
  ],
  [
    '14 UNAVAILABLE: No connection established. Last error: Error: certificate has expired. Resolution note: ',
    'unreachable',
    'its TLS certificate is not accepted: certificate has expired',
    'endpoint',
  ],
  [
    '14 UNAVAILABLE: No connection established. Last error: 402D45C0:error:0A000412:SSL routines:ssl3_read_bytes:ssl/tls alert bad certificate:rec_layer_s3.c:918:SSL alert number 42\n (2026-11-22T22:28:48.640Z). Resolution note: ',
    'unreachable',
    'it does not accept our TLS certificate (etcd_cert_file, etcd_key_file)',
    'endpoint',
  ],
  [
    '14 UNAVAILABLE: No connection established. Last error: Failed to connect (2026-11-22T22:28:48.643Z). Resolution note: ',
    'unreachable',
    'it cannot be reached: Failed to connect',
    'endpoint',
  ],
  [
    '14 UNAVAILABLE: Name resolution failed for target dns:nosuchhost.invalid:2379',
    'unreachable',
    'its name is not known to DNS',
    'endpoint',
  ],
  ['14 UNAVAILABLE: etcdserver: no leader', 'unreachable', 'the member has no leader', 'endpoint'],
  [
    '14 UNAVAILABLE: etcdserver: leader changed',
    'interrupted',
    'the call was broken off: leader changed',
    'cluster',
  ],
  [
    '8 RESOURCE_EXHAUSTED: etcdserver: too many requests',
    'interrupted',
    'the call was broken off: too many requests',
    'cluster',
  ],
  [
    '3 INVALID_ARGUMENT: etcdserver: authentication failed, invalid user ID or password',
    'refused',
    'user or password is wrong (etcd_user, etcd_password)',
    'asker',
  ],
  [
    '7 PERMISSION_DENIED: etcdserver: permission denied',
    'refused',
    'the user may not read and write below `service` (etcd role)',
    'asker',
  ],
  [
    '3 INVALID_ARGUMENT: etcdserver: user name is empty',
    'refused',
    'etcd asks for a user (etcd_user, etcd_password)',
    'asker',
  ],
  [
    'Lease 5 NOT_FOUND: etcdserver: requested lease not found is expired or revoked',
    'lease-not-found',
    'the lease is gone',
    'asker',
  ],
  [
    '11 OUT_OF_RANGE: etcdserver: mvcc: required revision has been compacted',
    'compacted',
    'the history asked for is compacted',
    'asker',
  ],
  [
    '8 RESOURCE_EXHAUSTED: etcdserver: mvcc: database space exceeded',
    'no-space',
    'the database is full: compact, defragment and disarm the alarm',
    'asker',
  ],
  [
    '3 INVALID_ARGUMENT: etcdserver: duplicate key given in txn request',
    'other',
    'duplicate key given in txn request',
    'asker',
  ],
  ['12 UNIMPLEMENTED: Received HTTP status code 404', 'other', 'Received HTTP status code 404', 'endpoint'],
];

for (const [said, kind, says, fault] of cases) {
  test(`"${said.slice(0, 90)}" is read as: ${says}`, () => {
    const error = etcdErrorOf('http://e:2379', 'read svc/', new Error(said));
    assert.equal(error.message, `etcd at http://e:2379: read svc/: ${says}`);
    assert.equal(error.kind, kind);
    assert.equal((error.cause as Error).message, said);
    assert.equal(isEndpointAtFault(error), fault === 'endpoint');
    assert.equal(isWorthAnotherEndpoint(error), fault !== 'asker');
  });
}

test('an EtcdError is not wrapped again', () => {
  const error = new EtcdError('timeout', 'http://e:2379', 'slow');
  assert.equal(etcdErrorOf('http://other:2379', 'read svc/', error), error);
});
