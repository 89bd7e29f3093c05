/** A volume as it is stored. */
export interface VolumeRecord {
  readonly name: string;
  readonly kind: 'folder' | 'disk' | 'nfs';
  readonly sizeMiB: number | null;
  readonly anonymous: boolean;
  readonly labels: Record<string, string>;
  readonly options: Record<string, string>;
  readonly createdAt: string;
  seeding: boolean;
  /** A pod has had it. */
  seeded: boolean;
}

/** Where records outlive hyperd. */
export interface VolumeRecords {
  volumes(): readonly VolumeRecord[];
  saveVolume(record: VolumeRecord): void;
  deleteVolume(name: string): void;
}
