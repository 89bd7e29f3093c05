import { z } from 'zod';
import { absolutePath, choice, fields, refused } from '../schema/fields.ts';

const devices = 'devices cannot be given to pods yet';
const mode = z.number().int().min(0).max(0o777);

const Items = z
  .array(fields({ key: z.string().min(1), path: z.string().min(1), mode: mode.optional() }))
  .max(256)
  .optional();

const elsewhere = refused('there are hostPath, emptyDir, configMap, secret and nfs');

/** The kinds of volumes that there is no way to have. */
const others = {
  ...{ awsElasticBlockStore: elsewhere, azureDisk: elsewhere, azureFile: elsewhere, cephfs: elsewhere },
  ...{ cinder: elsewhere, csi: elsewhere, downwardAPI: elsewhere, ephemeral: elsewhere, fc: elsewhere },
  ...{ flexVolume: elsewhere, flocker: elsewhere, gcePersistentDisk: elsewhere, gitRepo: elsewhere },
  ...{ glusterfs: elsewhere, image: elsewhere, iscsi: elsewhere, persistentVolumeClaim: elsewhere },
  ...{ photonPersistentDisk: elsewhere, portworxVolume: elsewhere, projected: elsewhere, quobyte: elsewhere },
  ...{ rbd: elsewhere, scaleIO: elsewhere, storageos: elsewhere, vsphereVolume: elsewhere },
};

export const Volume = fields({
  name: z.string().min(1),
  hostPath: fields({
    path: absolutePath,
    type: choice(['', 'Directory', 'DirectoryOrCreate', 'File', 'Socket'], {
      FileOrCreate: 'only a folder is made where there is none',
      CharDevice: devices,
      BlockDevice: devices,
    }).optional(),
  }).optional(),
  nfs: fields({
    server: z.string().min(1),
    path: absolutePath,
    readOnly: z.boolean().optional(),
  }).optional(),
  emptyDir: fields({
    medium: choice(['', 'Memory'], { HugePages: 'the guest has no huge pages' }).optional(),
    sizeLimit: z.union([z.string(), z.number()], { error: 'must be a quantity, as 64Mi' }).optional(),
  }).optional(),
  configMap: fields({
    name: z.string().min(1),
    items: Items,
    defaultMode: mode.optional(),
    optional: z.boolean().optional(),
  }).optional(),
  secret: fields({
    secretName: z.string().min(1),
    items: Items,
    defaultMode: mode.optional(),
    optional: z.boolean().optional(),
  }).optional(),
  ...others,
});
export type Volume = z.infer<typeof Volume>;
