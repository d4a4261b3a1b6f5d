#!/usr/bin/env node
// Plain JavaScript without static imports: a Node too old for the program must still get as far as the message.
const nodeMajorMin = 24;

if (Number(process.versions.node.split('.')[0]) < nodeMajorMin) {
  console.error(`k-lani needs Node ${nodeMajorMin} or newer: this is Node ${process.versions.node} (${process.execPath})`);
  process.exitCode = 1;
} else {
  await import('#main');
}
