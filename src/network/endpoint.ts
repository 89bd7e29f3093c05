/** One NIC of a VM on a network: what QEMU and the guest agent are told. Plain data: the engine keeps it in its store. */
export interface Endpoint {
  /** The network's bridge. */
  readonly network: string;
  /** The tap's name on the host, at most 15 characters. QEMU opens it by name, with `vnet_hdr=on`. */
  readonly tap: string;
  /** `02:…`, lower case. */
  readonly mac: string;
  /** The guest's IPv4 address, dotted. */
  readonly address: string;
  readonly prefixLength: number;
  readonly gateway: string;
  readonly mtu: number;
  /** The addresses for the guest's /etc/resolv.conf. */
  readonly dns: readonly string[];
}

export interface ConnectOptions {
  /** The uid QEMU runs as: only it may open the tap. */
  readonly ownerUid: number;
  /** Which NIC of the VM, from 0; default 0. */
  readonly nic?: number;
  /** The address to take instead of the next free one. */
  readonly address?: string;
  readonly signal?: AbortSignal;
}
