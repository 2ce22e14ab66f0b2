import { describe, type TestContext, test } from 'node:test';
import { type EtcdVersion, etcdVersions } from '../../support/etcd-versions.ts';

/** One test a version of etcd, side by side: they wait most of the time. */
export function withEachEtcd(
  title: string,
  body: (t: TestContext, version: EtcdVersion) => Promise<void>,
): void {
  describe(title, { concurrency: true }, () => {
    for (const version of etcdVersions())
      test(`with etcd ${version.name}`, { concurrency: false }, (t) => body(t, version));
  });
}
