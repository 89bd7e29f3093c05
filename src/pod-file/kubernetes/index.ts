export { isManifest, planManifest } from './plan-manifest.ts';
