/**
 * Builds what ships into dist/: hyperd and its workers for Node, the CLI for Node (hyper.cjs) and as one binary (hyper).
 *
 *     node scripts/build.ts
 */
import { execFileSync } from 'node:child_process';
import { rmSync, symlinkSync } from 'node:fs';
import { build, type BuildOptions, type Plugin } from 'esbuild';

// CommonJS packages in an ES module bundle still call require().
const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" };
const common: BuildOptions = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  legalComments: 'none',
  logLevel: 'warning',
};

/**
 * Commander's own imports of three modules, which cost bun's start ten milliseconds: copying `process` opens its three streams,
 * `child_process` is for commands that are programs of their own, of which we have none, and `util` for the width of help.
 */
const commanderModules: Readonly<Record<string, string>> = {
  'node:process': 'export default globalThis.process',
  'node:child_process': 'export default {}',
  'node:util': `export const stripVTControlCharacters = (text) => require('util').stripVTControlCharacters(text)`,
};
const commanderWithout: Plugin = {
  name: 'commander-without',
  setup(plugins) {
    plugins.onResolve({ filter: /^node:(process|child_process|util)$/ }, ({ path, importer }) =>
      importer.includes('/node_modules/commander/') ? { path, namespace: 'commander-without' } : undefined,
    );
    plugins.onLoad({ filter: /.*/, namespace: 'commander-without' }, ({ path }) => ({
      contents: commanderModules[path] ?? '',
    }));
  },
};

rmSync('dist', { recursive: true, force: true });
// V8 keeps a program's text: without spaces and comments, all of it ASCII, it is 3.6 MB where it was 10.3 (two bytes a character for
// one that is not Latin). Names stay, so that a stack trace can be read.
await build({
  ...common,
  banner,
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 200,
  sourcemap: true,
  entryPoints: {
    hyperd: 'src/daemon/main.ts',
    'layer-worker': 'src/image/layer/layer-worker.ts',
    'disk-worker': 'src/image/disk/disk-worker.ts',
    'yaml-worker': 'src/pod-file/document/yaml-worker.ts',
  },
  outdir: 'dist',
});
// CommonJS starts faster on Node than a module does, and bun can keep its bytecode.
await build({
  ...common,
  format: 'cjs',
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/hyper.cjs',
  minifySyntax: true,
  plugins: [commanderWithout],
});
// Without the two last flags the binary would read .env and bunfig.toml of whatever folder it is called in.
const compile = ['build', '--compile', '--minify', '--bytecode', '--target=bun'];
const closed = ['--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig'];
execFileSync('node_modules/.bin/bun', [...compile, ...closed, 'dist/hyper.cjs', '--outfile', 'dist/hyper'], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
// The same program by its longer name.
symlinkSync('hyper', 'dist/hyperctl');
symlinkSync('hyper.cjs', 'dist/hyperctl.cjs');
