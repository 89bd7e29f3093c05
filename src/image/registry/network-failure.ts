import { HyperError, messageOf, systemCode } from '../../lib/errors.ts';

const certificateCodes = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_SIGNATURE_FAILURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);
const timeoutCodes = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);
const refusedCodes = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);

/** What Node's TLS says when the other side speaks plain HTTP. */
export function speaksPlainHttp(error: unknown): boolean {
  const cause = error instanceof HyperError ? error.cause : error;
  const code = systemCode(cause) ?? '';
  return code === 'EPROTO' || code.startsWith('ERR_SSL_');
}

/** Whether nobody vouches for the other side: then it is not tried in the clear either. */
export function isUntrusted(error: unknown): boolean {
  return error instanceof HyperError && certificateCodes.has(systemCode(error.cause) ?? '');
}

/** A failed connection in words: `cannot reach HOST: why: what to do`. */
export function networkFailure(host: string, error: unknown): HyperError {
  if (error instanceof HyperError) return error;
  const code = systemCode(error) ?? '';
  const options = { cause: error };
  if (error instanceof Error && ['AbortError', 'TimeoutError'].includes(error.name)) {
    return new HyperError('cancelled', 'cancelled', options);
  }
  if (certificateCodes.has(code)) {
    const todo = `put its authority's certificate into /etc/docker/certs.d/${host}/ca.crt, or list it as insecure`;
    return new HyperError('unavailable', `cannot trust ${host}: ${messageOf(error)}: ${todo}`, options);
  }
  if (code === 'ENOTFOUND') {
    return new HyperError('unavailable', `cannot reach ${host}: there is no such host: check the name`, options);
  }
  if (timeoutCodes.has(code)) return new HyperError('timeout', `${host} has gone silent: try again later`, options);
  if (speaksPlainHttp(error)) {
    const text = `cannot reach ${host}: it does not speak HTTPS: list it in insecureRegistries if that is wanted`;
    return new HyperError('unavailable', text, options);
  }
  return new HyperError('unavailable', `cannot reach ${host}: ${messageOf(error) || code}`, options);
}

/**
 * Whether trying again may help. A refused connection is only worth it `midway`, when the server has answered before.
 */
export function isTransient(error: unknown, midway = false): boolean {
  if (!(error instanceof HyperError)) return false;
  if (error.code === 'timeout') return true;
  if (error.code !== 'unavailable') return false;
  const code = systemCode(error.cause) ?? '';
  if (refusedCodes.has(code)) return midway;
  return !isUntrusted(error) && code !== 'ENOTFOUND' && !speaksPlainHttp(error);
}
