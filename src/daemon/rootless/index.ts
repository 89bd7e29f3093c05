/**
 * Rootless: hyperd started by an ordinary user runs inside a user, mount and network namespace of its own, where it
 * is root. `main` calls `ensureNamespace` before anything else; outside it does not return but becomes hyperd inside.
 *
 *     const place = await ensureNamespace({ runDir, argv: process.argv.slice(1), log });
 *     const upstreams = upstreamsOf(place);
 *     const networks = await openNetworks({ …, forbiddenDestinations: place.forbiddenDestinations });
 */
export { ensureNamespace, type EnsureNamespaceOptions } from './ensure-namespace.ts';
export { qemuUser, type QemuUser } from './qemu-user.ts';
export { hostOutside, mapAddress, upstreamsOf, onHost, type Place } from './place.ts';
export type { Outside } from './holder-record.ts';
