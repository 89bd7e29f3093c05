export type LayerStatus = 'waiting' | 'downloading' | 'retrying' | 'exists' | 'done';

/** What a pull or a load tells while it runs: the `status` and `layer` lines of the API's progress. */
export type ImageProgress =
  | { readonly type: 'status'; readonly message: string }
  | {
      readonly type: 'layer';
      /** The layer as the manifest names it (compressed). */
      readonly digest: string;
      readonly status: LayerStatus;
      readonly currentBytes: number;
      readonly totalBytes: number | null;
    };

export type OnProgress = (progress: ImageProgress) => void;
