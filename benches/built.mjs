// The built commands that the benchmarks run: those in VITRINE_BIN, or the development build.

import { basename, join } from 'node:path';

const programs = process.env.VITRINE_BIN ?? 'target/debug';
/** The command `vitrine`. */
export const vitrine = join(programs, 'vitrine');
/** cargo's profile of the built commands: release or debug. */
export const profile = basename(programs);
