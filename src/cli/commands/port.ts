import type { Command } from 'commander';
import { HyperError } from '../../lib/errors.ts';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { formatList } from '../output/list-format.ts';
import { describePort, hostEnd, portRow } from '../output/port-rows.ts';
import { parsePublish } from '../values/ports.ts';

export function define(command: Command, cli: Cli): void {
  command
    .argument('<pod>', 'name or id of a pod')
    .argument('[port]', "only where this port of the pod's leads from: 80, 53/udp")
    .option('--format <format>', "json, or a template: '{{.HostPort}}'")
    .action(async (pod: string, port: string | undefined, { format }: { readonly format?: string }) => {
      const wanted = port === undefined ? undefined : parsePublish(port, 'the port');
      const { name, ports } = await (await cli.connect()).podInspect(pod);
      const shown = ports.filter(
        ({ guestPort, protocol }) =>
          wanted?.some((each) => each.guestPort === guestPort && each.protocol === protocol) ?? true,
      );
      if (wanted !== undefined && shown.length === 0) {
        throw new HyperError('not_found', `no public port '${port}' published for ${name}: see 'hyper port ${name}'`);
      }
      const text =
        format === undefined
          ? shown.map(wanted === undefined ? describePort : hostEnd).join('\n')
          : (formatList(shown.map(portRow), { format, columns: [] }) ?? '');
      if (text !== '') cli.print(text);
    });
  addExamples(command, [
    ['hyper port web', '80/tcp -> 0.0.0.0:8080'],
    ['hyper port web 80/tcp', '0.0.0.0:8080'],
  ]);
}
