/** How the image store reaches registries and what it accepts. Every field has a default: `{}` is a working config. */
export interface ImageStoreConfig {
  /** Hosts (`HOST`, `HOST:PORT` or a CIDR) that may speak HTTP or have a certificate nobody vouches for. */
  readonly insecureRegistries?: readonly string[];
  /** Registry host to the base addresses asked before it, in order: `{ 'docker.io': ['https://mirror.example'] }`. */
  readonly mirrors?: Readonly<Record<string, readonly string[]>>;
  /** `HOST:PORT/*.crt` below it are trusted for that registry. Default `/etc/docker/certs.d`. */
  readonly certsDir?: string;
  /** PEM files of authorities that are trusted for every registry. */
  readonly certificates?: readonly string[];
  /** A docker config.json with logins. Default `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`. */
  readonly dockerConfig?: string;
  /** A layer that unpacks to more is refused, and so is an archive of images. Default 64 GiB. */
  readonly maxLayerBytes?: number;
  /** Layers downloaded at the same time. Default 3. */
  readonly parallelLayers?: number;
  /** A socket without a byte for this long is given up. Default 30,000. */
  readonly idleTimeoutMs?: number;
  /** Attempts that may fail in a row before a request is given up. Default 5. */
  readonly attempts?: number;
  /** The wait after the first failure; doubled each time, at most 30 s. Default 500. */
  readonly retryDelayMs?: number;
  /** HTTP_PROXY, HTTPS_PROXY, NO_PROXY, DOCKER_CONFIG, DOCKER_HOST, HOME and PATH are read from it. Default: nothing is set. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Hears of the bytes of layers that registries send, as they come. */
  readonly onPulledBytes?: (bytes: number) => void;
  /**
   * Where to connect instead of an address. hyperd in a network namespace of its own (rootless) uses it to reach the
   * host's loopback.
   */
  readonly mapAddress?: (address: string) => string;
}
