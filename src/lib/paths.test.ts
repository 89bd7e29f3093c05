import assert from 'node:assert/strict';
import { it } from 'node:test';
import { hyperPaths, systemPaths } from './paths.ts';

it('gives root the system’s paths, and anyone else the XDG folders', () => {
  assert.deepEqual(hyperPaths({ uid: 0, env: { XDG_RUNTIME_DIR: '/x' } }), systemPaths);
  assert.deepEqual(hyperPaths({ uid: 1000, env: { HOME: '/home/u', XDG_RUNTIME_DIR: '/run/user/1000' } }), {
    root: '/home/u/.local/share/hyper',
    run: '/run/user/1000/hyper',
    config: '/home/u/.config/hyper/config.json',
  });
  assert.deepEqual(
    hyperPaths({ uid: 7, env: { HOME: '/h', XDG_RUNTIME_DIR: 'no', XDG_DATA_HOME: '/d', XDG_CONFIG_HOME: '/c' } }),
    {
      root: '/d/hyper',
      run: '/tmp/hyper-7',
      config: '/c/hyper/config.json',
    },
  );
});
