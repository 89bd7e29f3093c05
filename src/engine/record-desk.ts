import { refuseRemoved } from './live-pod.ts';
import { changeLabels, type LabelChanges } from './pod-labels.ts';
import type { Pod } from './pod.ts';
import type { EngineOptions } from './pod-context.ts';
import { podFolder } from './pod-run.ts';
import type { Pods } from './pods.ts';
import { type Pruned, pruneEach } from './prune-each.ts';
import { fits, type PruneFilter } from './prune-filter.ts';
import { rename } from './renaming.ts';
import { type PodUpdate, updatePod } from './update-pod.ts';
import { usedBytes } from './used-bytes.ts';

/** What users change of pods that are there, while they run or not; and the removal of those that have ended. */
export class RecordDesk {
  readonly #pods: Pods;
  readonly #options: EngineOptions;

  constructor(pods: Pods, options: EngineOptions) {
    this.#pods = pods;
    this.#options = options;
  }

  /** Of a pod, or of the container that the text names. */
  async rename(text: string, name: string): Promise<void> {
    await rename(this.#pods.target(text), name, this.#pods, this.#options);
  }

  /** Answers with all labels that the pod has then. */
  async label(text: string, changes: LabelChanges, overwrite: boolean): Promise<Readonly<Record<string, string>>> {
    const pod = this.#pods.find(text);
    return await pod.lock.run(() => {
      refuseRemoved(pod);
      changeLabels(pod.record, changes, overwrite, this.#options.store);
      return Promise.resolve(pod.record.labels);
    });
  }

  async update(text: string, update: PodUpdate): Promise<void> {
    await updatePod(this.#pods.target(text), update, this.#options);
  }

  /** Removes the pods that have ended, but for those that wait to be started again. */
  async prune(filter: PruneFilter): Promise<Pruned & { readonly freedBytes: number }> {
    const wanted = this.#pods
      .all()
      .filter((pod) => hasEnded(pod) && fits(filter, pod.record.labels, pod.record.createdAt));
    const byName = new Map(wanted.map((pod) => [pod.record.name, pod]));
    let freedBytes = 0;
    const pruned = await pruneEach([...byName.keys()], async (name) => {
      const pod = byName.get(name);
      if (pod === undefined || !hasEnded(pod) || pod.removed) return false;
      const bytes = await usedBytes(podFolder(this.#options.podsDir, pod.record));
      await pod.remove(false);
      freedBytes += bytes;
      return true;
    });
    return { ...pruned, freedBytes };
  }
}

function hasEnded({ active, record: { state, restarting } }: Pod): boolean {
  return !active && !restarting && (state === 'succeeded' || state === 'failed');
}
