import type { ImageStore } from '../image/index.ts';
import type { ContainerRecord, PodRecord } from '../store/index.ts';
import type { Plugs } from '../vm/index.ts';
import { containerDisks, type UsedImage } from './supply/index.ts';

type ImageOf = Pick<ContainerRecord, 'imageId'>;

/** The serial of the disk that a container's root is on: the first one's image is in the VM's slot, others are plugged in. */
export function rootDisk({ containers }: Pick<PodRecord, 'containers'>, { imageId }: ImageOf): string {
  if (containers[0]?.imageId === imageId) return containerDisks.root;
  return `image-${imageId.replace(/^sha256:/, '').slice(0, 12)}`; // a serial has 20 bytes at most
}

export function usedImage(images: ImageStore, container: ContainerRecord): UsedImage {
  const [command = ''] = container.args;
  const path = container.env.findLast((variable) => variable.startsWith('PATH='));
  return {
    imagePath: imagePath(images, container),
    program: { command, searchPath: path?.slice('PATH='.length) ?? '' },
  };
}

export function imagePath(images: ImageStore, { imageId }: ImageOf): string {
  return images.disk(images.inspect(imageId)).descriptorPath;
}

/** The disks of the images that are not the first container's. */
export function furtherImages(pod: PodRecord, images: ImageStore): Plugs['disks'] {
  const others = new Map(pod.containers.map((container) => [rootDisk(pod, container), container]));
  others.delete(containerDisks.root);
  return [...others].map(([serial, container]) => imageDisk(serial, imagePath(images, container)));
}

export function imageDisk(serial: string, path: string): Plugs['disks'][number] {
  return { serial, path, format: 'vmdk', readOnly: true };
}
