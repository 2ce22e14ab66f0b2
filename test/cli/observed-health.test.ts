import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { concatMap, distinctUntilChanged, filter, firstValueFrom, from, map, of, take, toArray } from 'rxjs';
import { observedHealth$ } from '../../src/cli/observed-health.ts';
import { loadConfig } from '../../src/config/load.ts';
import {
  aTarget,
  createDatabaseServers,
  type DatabaseServers,
  noDatabaseServer,
  rowsOf,
} from '../support/database-server.ts';

suite('what is observed of the database', { skip: noDatabaseServer }, () => {
  let servers: DatabaseServers;
  before(async () => {
    servers = await createDatabaseServers();
  });
  after(() => servers?.stop());

  test('a promotion is another verdict, healthy since as long as before', async () => {
    const database = aTarget(await servers.startStandby());
    const environment = { YAIM_SERVICE: '/t', YAIM_ETCD_ENDPOINTS: 'http://127.0.0.1:1' };
    const { config } = loadConfig({ environment });
    const observed$ = observedHealth$(
      of({ ...config, intervalMs: 20, database: { ...config.database, ...database } }),
    );
    const [standby, primary] = await firstValueFrom(
      observed$.pipe(
        filter(({ kind }) => kind === 'healthy'),
        distinctUntilChanged(),
        concatMap((health) =>
          health.role === 'standby'
            ? from(rowsOf(database, 'SELECT pg_promote()')).pipe(map(() => health))
            : of(health),
        ),
        take(2),
        toArray(),
      ),
    );
    assert.deepEqual([standby?.role, primary?.role], ['standby', 'primary']);
    assert.equal(primary?.since, standby?.since);
  });
});
