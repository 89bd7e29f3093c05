import { HyperError } from '../../lib/errors.ts';
import type { ContainerRecord, PodRecord } from '../../store/index.ts';
import type { Volumes } from '../../volume/index.ts';
import { furtherImages, usedImage } from '../image-disks.ts';
import { diskLimits } from '../limits.ts';
import { refuseRemoved } from '../live-pod.ts';
import { MountedSources } from '../mounted-sources.ts';
import type { Pod } from '../pod.ts';
import type { EngineOptions } from '../pod-context.ts';
import { PodRun, scratchPath } from '../pod-run.ts';
import { makeContainer } from '../pod-start.ts';
import { startFailure } from '../start-failure.ts';
import type { ClaimedVm } from '../supply/index.ts';
import type { GuestAccess } from './guest-access.ts';

/**
 * A VM with the disks of a pod that does not run, in which none of its processes does. Nobody may start or
 * remove the pod before it is disposed of. A hyperd that finds it at its start removes it: no record has it.
 *
 * @returns undefined where the pod runs by now
 */
export async function openRestingVm(
  pod: Pod,
  container: ContainerRecord,
  options: EngineOptions,
  signal: AbortSignal,
): Promise<GuestAccess | undefined> {
  const opened = Promise.withResolvers<GuestAccess | undefined>();
  const closed = Promise.withResolvers<void>();
  pod.lock
    .run(async () => {
      signal.throwIfAborted();
      refuseRemoved(pod);
      if (pod.active) {
        opened.resolve(undefined);
        return;
      }
      const vm = await startResting(pod, options, signal);
      try {
        opened.resolve({ run: vm.run, container, [Symbol.asyncDispose]: () => (closed.resolve(), vm.gone) });
        await Promise.race([closed.promise, vm.run.vm.ended]);
      } finally {
        await vm.end();
      }
    })
    .catch((error: unknown) => opened.reject(error));
  return await opened.promise;
}

interface RestingVm {
  readonly run: PodRun;
  end(): Promise<void>;
  readonly gone: Promise<void>;
}

async function startResting(pod: Pod, options: EngineOptions, signal: AbortSignal): Promise<RestingVm> {
  const { supply, images, networks, podsDir, volumes, log } = options;
  const { record } = pod;
  if (hasNfs(record, volumes)) {
    throw new HyperError('conflict', `pod ${record.name} has files on NFS, which it has while it runs: start it first`);
  }
  const { vcpus, memoryMiB, hostname } = record;
  const scratch = { path: scratchPath(podsDir, record), sizeMiB: record.storageMiB, limits: diskLimits(record) };
  const claimed: { vm?: ClaimedVm } = {};
  const claim = (vm: ClaimedVm): void => void (claimed.vm = vm);
  const release = async (): Promise<void> => {
    volumes.holders.letGo(record.id);
    if (claimed.vm !== undefined) await supply.release(claimed.vm);
  };
  try {
    await using sources = await MountedSources.open(record, volumes, signal);
    const { shares, plugs } = sources;
    const disks = [...furtherImages(record, images), ...plugs.disks];
    const first = pod.first.record;
    // It needs no network; but with a NIC it can be one of the pool, or a clone.
    const nics = networks.status().state === 'up' ? [{ network: networks.standard.name }] : [];
    const request = { vcpus, memoryMiB, hostname, nics, scratch, shares, ...plugs, disks };
    return await supply.start({ ...request, ...usedImage(images, first) }, { signal, claim }, async (ready) => {
      const run = new PodRun(record, ready.vm, ready.agent);
      try {
        run.listen(log);
        // All of them: a volume that is fresh is filled by each that mounts it.
        for (const each of record.containers) {
          await makeContainer(run, { record: each, pod: record }, sources.mountsOf(each));
        }
        await sources.seeded(true);
      } catch (error) {
        await run.end(false);
        throw sources.explain(startFailure(error));
      }
      const gone = Promise.withResolvers<void>();
      const end = async (): Promise<void> => {
        await run.end(true).finally(release).finally(gone.resolve);
      };
      return { run, end, gone: gone.promise };
    });
  } catch (error) {
    await release();
    throw error;
  }
}

/** It is mounted over the pod's network. */
function hasNfs({ containers }: PodRecord, volumes: Volumes): boolean {
  const kinds = new Map(volumes.list().map(({ name, kind }) => [name, kind]));
  return containers
    .flatMap(({ mounts }) => mounts)
    .some((mount) => (mount.type === 'volume' ? kinds.get(mount.volume) : mount.type) === 'nfs');
}
