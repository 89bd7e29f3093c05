import { deleteBridge } from './bridge.ts';
import { removeRules } from './firewall-rules.ts';
import { hasIpv6 } from './net-setting.ts';
import { applyRules } from './nft.ts';
import { deleteTaps, listTaps } from './tap.ts';

/** Takes away everything of a bridge: taps, itself, rules. */
export async function removeNetwork(bridge: string): Promise<void> {
  await deleteTaps(await listTaps(bridge));
  await deleteBridge(bridge);
  await applyRules(removeRules(bridge, await hasIpv6()));
}
