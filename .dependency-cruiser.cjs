/** The architecture as rules: dependencies point inward, streams → domain ← effects. */
module.exports = {
  forbidden: [
    {
      name: 'domain-is-pure',
      comment: 'The domain does no I/O and has no clock: it imports itself and value libraries only.',
      severity: 'error',
      from: { path: '^src/domain' },
      to: { pathNot: ['^src/domain', 'node_modules/(ipaddr.js|zod)'] },
    },
    {
      name: 'streams-and-effects-apart',
      comment: 'Streams and effects meet in agent.ts only.',
      severity: 'error',
      from: { path: '^src/streams' },
      to: { path: '^src/effects' },
    },
    {
      name: 'effects-and-streams-apart',
      severity: 'error',
      from: { path: '^src/effects' },
      to: { path: '^src/streams' },
    },
    {
      name: 'edges-do-not-know-the-agent',
      severity: 'error',
      from: { path: '^src/(domain|etcd|kernel|streams|effects)' },
      to: { path: '^src/(agent|main|cli|web)' },
    },
    {
      name: 'web-only-looks',
      comment: 'The page is told what it shows: it knows no stream, no effect, and not the agent.',
      severity: 'error',
      from: { path: '^src/web' },
      to: {
        path: '^src',
        pathNot: ['^src/(web|domain|journal.ts|log.ts|reconcile.ts|config/host.ts|etcd/api.ts)'],
      },
    },
    { name: 'nothing-imports-main', severity: 'error', from: {}, to: { path: '^src/main' } },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: ['^src/main', '^src/web/page/'] },
      to: {},
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
  },
};
