import type { Command } from 'commander';
import type { Info } from '../../contract/index.ts';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { showBytes } from '../output/units.ts';
import { parseTemplate, unescape } from '../output/template-parse.ts';
import { renderTemplate } from '../output/template-render.ts';

interface InfoOptions {
  readonly format?: string;
}

export function define(command: Command, cli: Cli): void {
  command
    .option('-f, --format <format>', "json, or a template: '{{.hypervisor.accelerator}}'")
    .action(async (options: InfoOptions) => {
      const info = await (await cli.connect()).info();
      const { format } = options;
      if (format === 'json') cli.print(JSON.stringify(info, null, 2));
      else if (format !== undefined) cli.print(renderTemplate(parseTemplate(unescape(format)), info));
      else cli.print(describe(info));
    });
  addExamples(command, [['hyper info', 'versions, accelerator, isolation, and what is missing']]);
}

function describe(info: Info): string {
  const { hypervisor, host, network } = info;
  const lines = [
    `Hyper: ${info.version}${info.rootless ? ' (rootless)' : ''}, pid ${info.pid}`,
    `Root: ${info.root}`,
    `Socket: ${info.socket}`,
    `Pods: ${info.pods.total} (${info.pods.running} running)`,
    `Containers: ${info.containers}`,
    `Images: ${info.images}`,
    `Hypervisor: ${hypervisor.name} ${hypervisor.version ?? '(not found)'}`,
    `Accelerator: ${hypervisor.accelerator} (${hypervisor.reason})`,
    `Isolation: ${hypervisor.isolation}`,
    `Guest kernel: ${info.kernel ?? '(none)'}`,
    `Network: ${network.bridge} ${network.subnet}, ${network.state}${network.reason === '' ? '' : ` (${network.reason})`}`,
    `Pool: ${info.pool.waiting} of ${info.pool.size} VMs wait`,
    `Prepared templates: ${info.preparedTemplates.count} (${showBytes(info.preparedTemplates.bytes)} of memory)`,
    `VM memory: ${info.vmMemory.reservedMiB} of ${info.vmMemory.maxMiB} MiB reserved`,
    `Operating system: ${host.os}`,
    `Host kernel: ${host.kernel}`,
    `CPUs: ${host.cpus}`,
    `Memory: ${(host.memoryBytes / 2 ** 30).toFixed(1)} GiB`,
  ];
  if (info.problems.length === 0) return [...lines, 'Problems: none'].join('\n');
  return [...lines, 'Problems:', ...info.problems.map((problem) => `  ${problem}`)].join('\n');
}
