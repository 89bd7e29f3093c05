import { debianImage } from '../../test/images/index.ts';
import type { Room } from '../room.ts';
import { runTimed } from '../run-timed.ts';

/** Puts Debian 12 (minbase, one layer) into the room's registry; answers with its reference. */
export async function debianInRegistry(room: Room): Promise<string> {
  const reference = `${await room.registry()}/debian:12`;
  const [from, to] = [`oci:${await debianImage()}:latest`, `docker://${reference}`];
  await runTimed('skopeo', ['--insecure-policy', 'copy', '-q', '--dest-tls-verify=false', from, to]);
  return reference;
}
