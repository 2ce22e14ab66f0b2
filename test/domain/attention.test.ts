import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attentionOf } from '../../src/domain/attention.ts';
import { reportOf } from '../../src/domain/report.ts';
import { aCluster, type ViewParts } from '../support/a-view.ts';

const attention = (parts: ViewParts) =>
  attentionOf(reportOf('svc', aCluster(parts))).map(
    ({ severity, kind, subject }) => `${severity} ${kind} ${subject}`,
  );

test('a service in which every address is held asks for no attention', () =>
  assert.deepEqual(
    attention({ nodes: ['db1'], sessions: ['db1'], pool: ['10.0.0.7'], holders: { '10.0.0.7': 'db1' } }),
    [],
  ));

test('what clients notice comes first, then what is odd', () =>
  assert.deepEqual(
    attention({
      nodes: ['db1', 'db2'],
      sessions: ['db1'],
      pool: ['10.0.0.6', '10.0.0.7', '10.0.0.8'],
      occupied: { db1: ['10.0.0.8'] },
      holders: { '10.0.0.7': 'db1' },
      marks: { '10.0.0.7': null },
    }),
    ['critical conflict 10.0.0.8', 'critical unheld 10.0.0.6', 'warning node db2', 'notice notice 10.0.0.7'],
  ));

test('what an operator wants is no trouble', () =>
  assert.deepEqual(attention({ nodes: ['db1'], sessions: ['db1', 'db2'], drained: ['db2'], pool: [] }), []));
