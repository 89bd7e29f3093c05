import { Buffer } from 'node:buffer';
import { posix } from 'node:path';
import { decodeBase64 } from '../decode-base64.ts';
import { showFound } from '../found.ts';
import { normalPath } from '../normal-path.ts';
import type { PlannedFile } from '../planned-file.ts';
import type { FieldPath, Problems } from '../problems.ts';
import type { FileFields, FileOfContainer, InlineFile } from '../schema/file-fields.ts';
import { byName, lookUp, noteOnce } from './by-name.ts';

/** What the first Hyper gave a file of which nothing was said. */
const defaultMode = 0o755;

interface Source {
  readonly file: InlineFile;
  readonly at: FieldPath;
}

/** The files of a pod; what is in those that have a URI is read later. */
export class PodFiles {
  readonly #named: ReadonlyMap<string, { readonly item: FileFields; readonly at: FieldPath }>;
  readonly #problems: Problems;
  /** Each is decoded once, however many containers have it. */
  readonly #contents = new Map<InlineFile, PlannedFile['content'] | undefined>();

  constructor(files: readonly FileFields[], problems: Problems) {
    this.#problems = problems;
    this.#named = byName(
      files,
      ({ name }) => name,
      (index) => ['files', index, 'name'],
      problems,
    );
    files.forEach((file, index) => this.#contentOf({ file, at: ['files', index] })); // also of those that nobody has
  }

  /** Those that a container is to find. */
  translate(wanted: readonly FileOfContainer[], at: FieldPath): PlannedFile[] {
    const paths = new Set<string>();
    return wanted.flatMap((file, index) => {
      const place = [...at, index];
      const source = this.#sourceOf(file, place);
      const path = source === undefined ? undefined : this.#pathOf(file, source, place);
      if (source === undefined || path === undefined) return [];
      noteOnce(paths, path, [...place, 'path'], this.#problems);
      const { perm, user, group } = file;
      const mode = perm === undefined ? defaultMode : Number.parseInt(perm, 8);
      const content = this.#contentOf(source);
      return content === undefined ? [] : [{ path, mode, user, group, content }];
    });
  }

  #sourceOf({ filename, detail }: FileOfContainer, at: FieldPath): Source | undefined {
    if (detail !== undefined) return { file: detail, at: [...at, 'detail'] };
    if (filename === undefined) {
      this.#problems.add(
        [...at, 'filename'],
        "is missing: it must be the name of one of the pod's files, or give detail",
      );
      return undefined;
    }
    const file = lookUp(this.#named, filename, { at: [...at, 'filename'], list: 'files' }, this.#problems);
    return file === undefined ? undefined : { file, at: this.#named.get(filename)?.at.slice(0, -1) ?? at };
  }

  /** A folder's path gets the file's name. */
  #pathOf({ path, filename }: FileOfContainer, { file }: Source, at: FieldPath): string | undefined {
    if (!path.endsWith('/')) return normalPath(path);
    const name = filename ?? file.name;
    if (name !== undefined) return posix.join(path, name);
    this.#problems.add(
      [...at, 'path'],
      `is a folder: give filename, or the path of the file, found ${showFound(path)}`,
    );
    return undefined;
  }

  #contentOf(source: Source): PlannedFile['content'] | undefined {
    if (!this.#contents.has(source.file)) this.#contents.set(source.file, this.#decode(source));
    return this.#contents.get(source.file);
  }

  #decode({ file: { uri, content, encoding = 'raw' }, at }: Source): PlannedFile['content'] | undefined {
    if (uri !== undefined) {
      if (content === undefined) return { uri, encoding, at: [...at, 'uri'] };
      this.#problems.add([...at, 'content'], 'cannot stand beside uri: give one of them');
      return undefined;
    }
    if (encoding === 'raw') return Buffer.from(content ?? '', 'utf8');
    const bytes = decodeBase64(content ?? '');
    if (bytes === undefined) this.#problems.add([...at, 'content'], 'must be base64, as its encoding says');
    return bytes;
  }
}
