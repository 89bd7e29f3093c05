import { rm } from 'node:fs/promises';
import { endKeepers, enteringNamespacesOf, networkOf } from '../support/keepers.ts';
import type { Namespace, NetworkSide } from './namespaces.ts';
import { folderOf, type OrdinaryUser } from './ordinary-user.ts';
import { Room } from './room.ts';

/** Where the network room runs: on a host as root, or in the namespaces that an ordinary user's hyperd has there. */
export class Site implements AsyncDisposable {
  readonly #host: Namespace;
  readonly #user: OrdinaryUser | null;
  readonly #runDir: string;

  private constructor(host: Namespace, user: OrdinaryUser | null, runDir: string) {
    this.#host = host;
    this.#user = user;
    this.#runDir = runDir;
  }

  /** @param user null: root */
  static async on(host: Namespace, user: OrdinaryUser | null): Promise<Site> {
    return new Site(host, user, user === null ? '' : await folderOf(user));
  }

  async start(): Promise<Room> {
    if (this.#user === null) return await Room.start({ by: this.#host.by });
    return await Room.start({ by: [...this.#host.by, ...this.#user.by], args: ['--rootless', this.#runDir] });
  }

  /** What to put before a command that is to run where a room was started, as who started it. */
  get by(): readonly string[] {
    if (this.#user === null) return this.#host.by;
    return [...this.#host.by, ...this.#user.by, ...enteringNamespacesOf(this.#runDir)];
  }

  /** Where the bridges are. */
  get network(): NetworkSide {
    return this.#user === null ? this.#host : networkOf(this.#runDir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#user === null) return;
    await endKeepers(this.#runDir);
    await rm(this.#runDir, { recursive: true });
  }
}
