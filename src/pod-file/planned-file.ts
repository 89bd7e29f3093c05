import type { Buffer } from 'node:buffer';
import type { ContainerSpec, PodSpec } from '../contract/index.ts';
import type { FieldPath } from './problems.ts';

/** What a file has in it when hyperd has read it. */
export interface UriContent {
  readonly uri: string;
  /** Of what is read. */
  readonly encoding: 'raw' | 'base64';
  /** Where it stands in the pod file. */
  readonly at: FieldPath;
}

/** A file of a container whose content may still have to be read. */
export interface PlannedFile {
  readonly path: string;
  readonly mode: number;
  readonly user?: string | undefined;
  readonly group?: string | undefined;
  readonly readOnly?: boolean;
  readonly content: Buffer | UriContent;
}

/** A container with files of which some are not read yet. */
export interface PlannedContainer {
  readonly spec: Omit<ContainerSpec, 'files'>;
  readonly files: readonly PlannedFile[];
  /** Where its files stand in the pod file. */
  readonly at: FieldPath;
}

/** A pod as a file describes it. */
export interface PlannedPod {
  readonly spec: Omit<PodSpec, 'containers' | 'initContainers'>;
  readonly containers: readonly PlannedContainer[];
  readonly initContainers: readonly PlannedContainer[];
}
