import type { ImageStore } from '../image/index.ts';
import type { Log } from '../lib/log.ts';
import type { Networks } from '../network/index.ts';
import type { Store } from '../store/index.ts';
import type { EngineMetrics } from './metrics.ts';
import type { VmSupply } from './supply/index.ts';
import type { Hypervisor } from '../vm/index.ts';
import type { Volumes } from '../volume/index.ts';

/** The rooms that the engine brings together, and its settings. */
export interface EngineOptions {
  readonly store: Store;
  readonly images: ImageStore;
  readonly hypervisor: Hypervisor;
  readonly networks: Networks;
  readonly supply: VmSupply;
  readonly volumes: Volumes;
  /** Where each pod has a folder with its scratch disk and logs. */
  readonly podsDir: string;
  /** Folders of what is made again where it is missing. */
  readonly caches: readonly string[];
  /** How long the agent of a VM that is found again may take to answer. */
  readonly bootTimeoutMs: number;
  readonly metrics: EngineMetrics;
  readonly log: Log;
}
