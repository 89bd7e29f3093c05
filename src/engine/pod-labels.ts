import { HyperError } from '../lib/errors.ts';
import type { PodRecord, Store } from '../store/index.ts';

/** Labels to set; null: to take away. */
export type LabelChanges = Readonly<Record<string, string | null>>;

/** Changes a pod's labels, all or none. @throws HyperError `conflict` for one that has another value, without `overwrite` */
export function changeLabels(record: PodRecord, changes: LabelChanges, overwrite: boolean, store: Store): void {
  const before = record.labels;
  const labels = new Map(Object.entries(before));
  for (const [name, value] of Object.entries(changes)) {
    const had = labels.get(name);
    if (value === null) labels.delete(name);
    else if (had === undefined || had === value || overwrite) labels.set(name, value);
    else {
      throw new HyperError(
        'conflict',
        `pod ${record.name} has the label ${name}=${had} already: --overwrite replaces it`,
      );
    }
  }
  record.labels = Object.fromEntries(labels);
  store.savePod(record, () => (record.labels = before));
}
