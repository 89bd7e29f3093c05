import { describe } from 'node:test';
import { skipUnlessRoot } from '../network/namespaces.ts';
import { findOrdinaryUser, type OrdinaryUser, whyNotRootless } from '../network/ordinary-user.ts';
import { type StartOptions, TestHyperd } from './hyperd.ts';

/** Whose hyperd a suite is about. */
export interface Way {
  readonly rootless: boolean;
  /** Null: root. */
  readonly user: OrdinaryUser | null;
  readonly start: (config?: object, options?: Pick<StartOptions, 'host' | 'withTemplate'>) => Promise<TestHyperd>;
}

interface SuiteOptions {
  readonly timeout?: number;
}
type Suite = (way: Way) => void;

const found = await findOrdinaryUser();
const whyNot = await whyNotRootless(found);

function wayOf(user: OrdinaryUser | null): Way {
  const start: Way['start'] = (config, options) => TestHyperd.start(config, process.env, { ...options, user });
  return { rootless: user !== null, user, start };
}

/**
 * The same suite twice: of root's hyperd and of an ordinary user's. Where they truly differ the suite says so, by
 * `way.rootless`.
 */
export function inBothWays(what: string, options: SuiteOptions, suite: Suite): void {
  describe(`${what}: root’s`, { ...options, skip: skipUnlessRoot }, () => suite(wayOf(null)));
  ofOrdinaryUser(what, options, suite);
}

/** What there is of an ordinary user's hyperd alone. */
export function ofOrdinaryUser(what: string, options: SuiteOptions, suite: Suite): void {
  const title = `${what}: an ordinary user’s`;
  if (typeof found === 'string') describe(title, { skip: found });
  else describe(title, { ...options, skip: whyNot }, () => suite(wayOf(found)));
}
