import type { ImageStore } from '../image/index.ts';
import type { Log } from '../lib/log.ts';
import type { Network } from '../network/index.ts';
import type { Store } from '../store/index.ts';
import type { Hypervisor, ScratchDisks } from '../vm/index.ts';

/** The rooms that the engine brings together, and its settings. */
export interface EngineOptions {
  readonly store: Store;
  readonly images: ImageStore;
  readonly hypervisor: Hypervisor;
  readonly network: Network;
  readonly scratchDisks: ScratchDisks;
  /** Where each pod has a folder with its scratch disk and logs. */
  readonly podsDir: string;
  /** From QEMU's start to the agent's answer. */
  readonly bootTimeoutMs: number;
  readonly log: Log;
}
