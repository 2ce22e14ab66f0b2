import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';

const root = resolve(import.meta.dirname, '../..');
const { services } = parse(readFileSync(join(root, 'compose.yaml'), 'utf8'));

test('compose.yaml runs yaim as its image is tested: with two capabilities, on the host’s network, and nothing to write on', () => {
  const { cap_drop, cap_add, network_mode, read_only, volumes } = services.yaim;
  assert.deepEqual([cap_drop, cap_add], [['ALL'], ['NET_ADMIN', 'NET_RAW']]);
  assert.deepEqual([network_mode, read_only], ['host', true]);
  assert.deepEqual(volumes, ['/run/yaim:/run/yaim', './yaim.yml:/etc/yaim/yaim.yml:ro']);
});

test('the yaim.yml that compose.yaml mounts names the etcd that it starts', () => {
  const { config } = loadConfig({ file: join(root, 'yaim.yml'), environment: {} });
  const client = services.etcd.command.find((word: string) => word.startsWith('--advertise-client-urls='));
  assert.deepEqual(config.etcd.endpoints, [client.split('=')[1]]);
});
