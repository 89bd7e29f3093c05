/** Makes what needs the network, before bench/main.ts runs without one: the Debian image, at most once. */
import { debianImage } from '../test/images/index.ts';

await debianImage();
