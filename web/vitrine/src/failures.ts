/**
 * Why a list keeps the shop's own order: the reasons, and the errors that lead to them.
 *
 * @module
 */

/** Why a list has the shop's own order. */
export type FallbackReason =
  /** The model did not arrive within the time that the caller gave. */
  | 'timeout'
  /** The caller's signal was aborted. */
  | 'aborted'
  /** The server could not be reached, or has no bundle. */
  | 'unreachable'
  /**
   * Something else answers at the address of the manifest, a module or a file of the bundle: a web
   * page, or another program's JSON. `onError` names the address and its content type.
   */
  | 'wrong_address'
  /**
   * The bundle was altered, is malformed, is older than one seen before, or is not signed with a
   * key of `publicKeys`; or a module is not this package's own.
   */
  | 'refused'
  /** The bundle's time is over; also in a page that has been open since before. */
  | 'expired'
  /** This browser has no WebAssembly with SIMD, or the page's policy forbids it. */
  | 'unsupported'
  /** The visitor refused ranking. */
  | 'consent'
  /** This is a server, not a browser. */
  | 'server'
  /** The ranker stopped or did not take what it was given; `onError` has the sentence. */
  | 'failed'
  /** `dispose` was called. */
  | 'disposed';

/** An error with the reason that a list is told. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly reason: FallbackReason;
  /** The HTTP status, where something answered. */
  readonly status: number | undefined;

  constructor(reason: FallbackReason, message: string, status?: number) {
    super(message);
    this.reason = reason;
    this.status = status;
  }
}

/** The reason that a list is told of an error. */
export function reasonOf(error: unknown): FallbackReason {
  return error instanceof Failure ? error.reason : 'failed';
}

/** Runs a step of the module; what it does not take is refused. */
export function refusing<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) throw error;
    throw new Failure('refused', error instanceof Error ? error.message : String(error));
  }
}
