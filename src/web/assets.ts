import { readFileSync } from 'node:fs';

export interface Asset {
  readonly type: string;
  readonly text: string;
}

const TYPES = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
} as const;

const FILES = [
  'page.html',
  'page.css',
  'page.js',
  'nodes.js',
  'addresses.js',
  'takeovers.js',
  'words.js',
  'flight.js',
  'takeover-events.js',
  'element.js',
  'icon.svg',
] as const;

/** The page's own files by their path; there are no others. Read once: they belong to this version. */
export function loadAssets(directory: URL): ReadonlyMap<string, Asset> {
  return new Map(
    FILES.map((name) => {
      const extension = name.slice(name.lastIndexOf('.') + 1) as keyof typeof TYPES;
      const text = readFileSync(new URL(name, directory), 'utf8');
      return [name === 'page.html' ? '/' : `/${name}`, { type: TYPES[extension], text }] as const;
    }),
  );
}
