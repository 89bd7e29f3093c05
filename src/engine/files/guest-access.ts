import type { ContainerRecord } from '../../store/index.ts';
import type { PodRun } from '../pod-run.ts';

/** A guest that has a container's files, until it is disposed of. */
export interface GuestAccess extends AsyncDisposable {
  readonly run: PodRun;
  readonly container: ContainerRecord;
}
