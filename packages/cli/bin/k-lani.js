#!/usr/bin/env node
// Plain JavaScript without static imports: a Node too old for the program must still get as far as the message.
const nodeMajorMin = 24;

if (Number(process.versions.node.split('.')[0]) < nodeMajorMin) {
  console.error(`k-lani needs Node ${nodeMajorMin} or newer: this is Node ${process.versions.node} (${process.execPath})`);
  process.exitCode = 1;
} else {
  await cacheCompiledCode();
  await import('#main');
}

/** Keeps what was compiled in the user's own cache directory, which nobody else writes: half of a short command's time. */
async function cacheCompiledCode() {
  const { HOME, XDG_CACHE_HOME } = process.env;
  const base = XDG_CACHE_HOME || (HOME && `${HOME}/.cache`);
  if (!base) return;
  const { mkdirSync } = await import('node:fs');
  const { enableCompileCache } = await import('node:module');
  // Made here: Node does not come back from one that cannot be made, such as a directory below /proc.
  const isThere = [base, `${base}/k-lani`].every((path) => {
    try {
      mkdirSync(path, { mode: 0o700 });
      return true;
    } catch (error) {
      return error.code === 'EEXIST';
    }
  });
  if (isThere) enableCompileCache(`${base}/k-lani`);
}
