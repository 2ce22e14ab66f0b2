import { readFileSync, writeFileSync } from 'node:fs';
import * as z from 'zod';
import { isKey, KEYS, schema } from '../src/config/schema.ts';
import { isRequired } from '../src/config/values.ts';

/** Where editors find what yaim.yml may hold. */
export const SCHEMA_FILE = new URL('../yaim.schema.json', import.meta.url);

/** The JSON Schema of yaim.yml as text. Draft 7: what editors' YAML language servers know best. */
export function renderSchema(): string {
  const { $schema, ...json } = z.toJSONSchema(schema, {
    target: 'draft-7',
    io: 'input',
    override: ({ zodSchema, jsonSchema, path }) => {
      const key = path.length === 2 && path[0] === 'properties' ? String(path[1]) : '';
      if (!isKey(key) || (zodSchema as unknown) !== schema.shape[key]) return;
      // Zod leaves them out for values that are transformed.
      const examples = schema.shape[key].meta()?.['examples'];
      if (examples !== undefined) Object.assign(jsonSchema, { examples });
      if (jsonSchema.type === 'array') Object.assign(jsonSchema, { type: ['array', 'string'] });
    },
  });
  const required = KEYS.filter(isRequired);
  return `${JSON.stringify({ $schema, title: 'yaim.yml', ...json, required }, undefined, 2)}\n`;
}

function main(isCheck: boolean): void {
  const rendered = renderSchema();
  if (!isCheck) {
    writeFileSync(SCHEMA_FILE, rendered);
  } else if (readFileSync(SCHEMA_FILE, 'utf8') !== rendered) {
    console.error('yaim.schema.json is stale: run `npm run schema`');
    process.exitCode = 1;
  }
}

if (import.meta.main) main(process.argv.includes('--check'));
