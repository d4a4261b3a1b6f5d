/** Seeds that once showed a fault, with what it was: they are run again for good. */
export const KEPT_SEEDS: readonly { readonly seed: number; readonly found: string }[] = [];
