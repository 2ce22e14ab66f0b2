import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findings } from '../../scripts/audit.ts';
import { refusedLicenses } from '../../scripts/licenses.ts';
import { productionPackages } from '../../scripts/production-packages.ts';
import { makeSbom } from '../../scripts/sbom.ts';

test('every package that is shipped has a licence that is accepted, and is pinned with its checksum', () => {
  const packages = productionPackages();
  assert.ok(packages.length > 50);
  assert.deepEqual(refusedLicenses(packages), []);
  assert.deepEqual(
    packages.filter(({ integrity }) => !integrity.startsWith('sha512-')),
    [],
  );
});

test('a licence that asks for more, and none at all, are refused by name', () => {
  const packages = [
    { name: 'good', license: 'MIT' },
    { name: 'viral', license: 'AGPL-3.0' },
    { name: 'silent', license: 'none' },
  ];
  assert.deepEqual(refusedLicenses(packages), ['viral: AGPL-3.0', 'silent: none']);
});

test('install scripts are only in packages that do without, as the test of the tarball shows', () => {
  const withScripts = productionPackages().filter(({ hasInstallScript }) => hasInstallScript);
  assert.deepEqual(
    withScripts.map(({ name }) => name),
    ['koffi', 'protobufjs'],
  );
});

test('the bill of materials is CycloneDX, of yaim, and has what is shipped and nothing else', () => {
  const { bomFormat, metadata, components, dependencies } = makeSbom('24.0.0');
  assert.equal(bomFormat, 'CycloneDX');
  assert.deepEqual([metadata.component['name'], metadata.component['type']], ['yaim', 'application']);
  const locked = new Set(productionPackages().map(({ name, version }) => `${name}@${version}`));
  const listed = new Set(components.map(({ name, version }) => `${name}@${version}`));
  assert.deepEqual(listed, new Set([...locked, 'node@24.0.0']));
  const references = new Set(components.map((component) => component['bom-ref']));
  for (const { dependsOn } of dependencies)
    for (const reference of dependsOn) assert.ok(references.has(reference), reference);
});

test('an audit reports what is high and not explained, and tells a registry that does not answer from a clean one', () => {
  const advisory = (severity: string, url: string) => ({ source: 1, title: 'it burns', severity, url });
  const report = {
    vulnerabilities: {
      a: { via: [advisory('high', 'A'), advisory('moderate', 'B'), 'b'] },
      b: { via: [advisory('critical', 'C')] },
    },
  };
  assert.deepEqual(findings(report, { C: 'yaim does not call it' }), ['a: high: it burns (A)']);
  assert.deepEqual(findings({ vulnerabilities: {} }), []);
  assert.equal(findings({ message: '405 Method Not Allowed' }), undefined);
});
