import { Buffer } from 'node:buffer';
import type { ContainerSpec, FileSpec } from '../contract/index.ts';
import { asHyperError, HyperError } from '../lib/errors.ts';
import { decodeBase64 } from './decode-base64.ts';
import type { PlannedContainer, PlannedFile, UriContent } from './planned-file.ts';
import { type FieldPath, showPath } from './problems.ts';
import { maxFileBytes, type ReadUri } from './read-uri.ts';

/** Of all containers' files together: in base64 they are sent to the client and back, in bodies of at most 32 MiB. */
const maxPodBytes = 16 << 20;

/** Puts the files' contents into the containers; each URI is read once. */
export async function withContents(
  containers: readonly PlannedContainer[],
  read: ReadUri,
  signal: AbortSignal,
): Promise<ContainerSpec[]> {
  const contents = new Contents(read, signal);
  const specs: ContainerSpec[] = [];
  for (const { spec, files, at } of containers) {
    const filled: FileSpec[] = [];
    for (const file of files) filled.push(await contents.fill(file, at));
    specs.push(filled.length === 0 ? spec : { ...spec, files: filled });
  }
  return specs;
}

class Contents {
  readonly #read: ReadUri;
  readonly #signal: AbortSignal;
  readonly #byUri = new Map<string, Buffer>();
  readonly #encoded = new Map<Buffer, string>();
  #total = 0;

  constructor(read: ReadUri, signal: AbortSignal) {
    this.#read = read;
    this.#signal = signal;
  }

  /** @param at where the container's files stand in the pod file. */
  async fill({ path, mode, user, group, readOnly, content }: PlannedFile, at: FieldPath): Promise<FileSpec> {
    const bytes = Buffer.isBuffer(content) ? content : await this.#readContent(content);
    const where = showPath(Buffer.isBuffer(content) ? at : content.at);
    if (bytes.length > maxFileBytes) {
      throw new HyperError(
        'bad_request',
        `${where}: ${path} has ${bytes.length} bytes: a file may have ${maxFileBytes}`,
      );
    }
    this.#total += bytes.length;
    if (this.#total > maxPodBytes) {
      throw new HyperError(
        'bad_request',
        `${where}: the files of all containers may have ${maxPodBytes} bytes together`,
      );
    }
    return { path, mode, user, group, readOnly, content: this.#encode(bytes) };
  }

  #encode(bytes: Buffer): string {
    const known = this.#encoded.get(bytes);
    if (known !== undefined) return known;
    const text = bytes.toString('base64');
    this.#encoded.set(bytes, text);
    return text;
  }

  async #readContent({ uri, encoding, at }: UriContent): Promise<Buffer> {
    const bytes = this.#byUri.get(uri) ?? (await this.#readUri(uri, at));
    if (encoding === 'raw') return bytes;
    const decoded = decodeBase64(bytes.toString('latin1'));
    if (decoded !== undefined) return decoded;
    throw new HyperError('bad_request', `${showPath(at)}: ${uri} must give base64, as its encoding says`);
  }

  async #readUri(uri: string, at: FieldPath): Promise<Buffer> {
    try {
      const bytes = await this.#read(uri, this.#signal);
      this.#byUri.set(uri, bytes);
      return bytes;
    } catch (error) {
      const { code, message } = asHyperError(error);
      throw new HyperError(code, `${showPath(at)}: ${message}`, { cause: error });
    }
  }
}
