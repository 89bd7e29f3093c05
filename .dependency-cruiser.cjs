// Who may import whom (ARCHITECTURE.md, The house). Imports run downwards only.
const room = (name) => `^src/${name}/`;
const only = (name, ...allowed) => ({
  name: `${name}-imports-only`,
  comment: `${name} may import ${allowed.join(', ') || 'nothing'} of src/`,
  severity: 'error',
  from: { path: room(name) },
  to: { path: '^src/', pathNot: [room(name), ...allowed.map(room)] },
});

module.exports = {
  forbidden: [
    only('contract'),
    only('lib'),
    only('client', 'contract', 'lib'),
    only('cli', 'client', 'contract', 'lib'),
    only('store', 'lib'),
    only('guest', 'lib'),
    only('network', 'lib'),
    only('volume', 'lib'),
    only('image', 'lib'),
    only('vm', 'guest', 'lib'),
    only('pod-file', 'contract', 'lib'),
    only('engine', 'image', 'vm', 'network', 'volume', 'guest', 'store', 'lib'),
    only('daemon', 'contract', 'pod-file', 'engine', 'image', 'vm', 'network', 'volume', 'guest', 'store', 'lib'),
    {
      name: 'front-doors-know-no-vm',
      comment: 'a front door speaks to the engine; only the wiring in src/daemon itself makes VMs, networks and stores',
      severity: 'error',
      from: { path: '^src/daemon/(rest|docker|cri)/' },
      to: { path: '^src/(vm|guest|network|volume|store|image)/' },
    },
    {
      name: 'front-doors-apart',
      severity: 'error',
      from: { path: '^src/daemon/(rest|docker|cri)/' },
      to: { path: '^src/daemon/(rest|docker|cri)/', pathNot: '^src/daemon/$1/' },
    },
    {
      name: 'rooms-have-one-door',
      comment:
        'from another room only index.ts is imported (lib is a shelf; contract/bounds.ts is for who does without schemas)',
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: {
        path: '^src/[^/]+/',
        pathNot: ['^src/$1/', '^src/lib/', '^src/contract/bounds\\.ts$', '^src/[^/]+/index\\.ts$'],
      },
    },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: ['\\.test\\.ts$', '^src/[^/]+/index\\.ts$'] },
      to: {},
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.test\\.ts$' },
  },
};
