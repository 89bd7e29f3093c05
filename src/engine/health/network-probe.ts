import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';
import { connect } from 'node:net';
import { messageOf } from '../../lib/errors.ts';
import type { ProbeAction } from '../../store/index.ts';
import { BoundedOutput, type ProbeResult } from './probe-result.ts';

type HttpAction = Extract<ProbeAction, { type: 'http' }>;

/** Whether a connection comes about. */
export async function probeTcp(address: string, port: number, signal: AbortSignal): Promise<ProbeResult> {
  const socket = connect({ host: address, port, signal });
  try {
    await once(socket, 'connect', { signal });
    return { exitCode: 0, output: '' };
  } catch (error) {
    return { exitCode: 1, output: messageOf(error) };
  } finally {
    socket.on('error', () => undefined); // nobody asks any more
    socket.destroy();
  }
}

/**
 * Asks for a page: 200 to 399 is success, as Kubernetes has it. Redirects are not followed, so that nothing but the pod is
 * asked, and certificates are not checked, for they name no address.
 */
export async function probeHttp(
  address: string,
  { port, path, https, headers }: HttpAction,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const options = { host: address, port, path, agent: false, signal, headers: headersOf(headers) } as const;
  let request: ClientRequest | undefined;
  try {
    request = https ? overHttps({ ...options, rejectUnauthorized: false }) : overHttp(options);
    const answered = once(request, 'response', { signal });
    request.end();
    const [response] = (await answered) as [IncomingMessage];
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 400) return { exitCode: 0, output: `HTTP ${status}` };
    const body = new BoundedOutput();
    for await (const chunk of response as AsyncIterable<Buffer>) {
      body.add(chunk);
      if (body.isFull) break;
    }
    return { exitCode: 1, output: `HTTP ${status}: ${body.text()}`.slice(0, 4096) };
  } catch (error) {
    return { exitCode: 1, output: messageOf(error) };
  } finally {
    request?.on('error', () => undefined);
    request?.destroy();
  }
}

function headersOf(headers: HttpAction['headers']): Record<string, string | string[]> {
  const all = new Map<string, string[]>([
    ['user-agent', ['hyper-probe']],
    ['accept', ['*/*']],
  ]);
  const given = new Map<string, string[]>();
  for (const { name, value } of headers) {
    const key = name.toLowerCase();
    given.set(key, [...(given.get(key) ?? []), value]);
  }
  for (const [key, values] of given) all.set(key, values);
  return Object.fromEntries([...all].map(([key, values]) => [key, values.length === 1 ? (values[0] ?? '') : values]));
}
