/**
 * What variables put into the texts of a pod. Variables that refer to others twice could grow without end: all of them
 * together may bring a MiB, which is more than a process can be started with.
 */
export class References {
  #left = 1 << 20;

  /** Whether more was asked for than is allowed: the texts are not whole then. */
  get areTooLong(): boolean {
    return this.#left < 0;
  }

  /** A value that comes from elsewhere. */
  take(value: string): string {
    if (this.#left >= 0) this.#left -= value.length;
    return this.#left < 0 ? '' : value;
  }

  /**
   * A text in which `$(NAME)` stands for a variable. One that is not known stays as it is, and `$$` is a dollar sign
   * (Kubernetes API reference, Container, command).
   */
  expand(text: string, variables: ReadonlyMap<string, string>): string {
    return text.replace(/\$(?:\$|\(([^()]*)\))/g, (all, name: string | undefined) => {
      if (name === undefined) return '$';
      const value = variables.get(name);
      return value === undefined ? all : this.take(value);
    });
  }
}
