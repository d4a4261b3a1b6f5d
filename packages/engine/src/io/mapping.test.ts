import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { constants, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { Descriptor } from './descriptor.ts';
import { testFileView } from './file-view.contract.ts';
import { Mapping, mappingAvailable } from './mapping.ts';
import { NodeIo } from './node-io.ts';

const NODE_IO = new URL('node-io.ts', import.meta.url).href;
const MAPPING = new URL('mapping.ts', import.meta.url).href;
const skip = mappingAvailable() ? false : 'this platform has no mappings';

if (mappingAvailable()) testFileView('Mapping', new NodeIo({ mapping: true }));

test('mappingAvailable() is true on Linux and macOS', { skip: !['linux', 'darwin'].includes(process.platform) }, () => {
  assert.equal(mappingAvailable(), true);
});

test('Mapping.close() gives the memory back to the system', { skip: skip || !existsSync('/proc/self/maps') }, (t) => {
  const descriptor = openFile(t, new Uint8Array(8192));
  const mapping = new Mapping(descriptor, 8192);
  const isMapped = () => readFileSync('/proc/self/maps', 'utf8').includes(descriptor.path);
  assert.equal(isMapped(), true);
  mapping.close();
  assert.equal(isMapped(), false);
});

test('Mapping counts as external memory once, until it is closed', { skip }, (t) => {
  const sizeBytes = 16 * 1024 * 1024;
  const descriptor = openFile(t, new Uint8Array(sizeBytes));
  const before = process.memoryUsage().external;
  const mapping = new Mapping(descriptor, sizeBytes);
  mapping.at(0, 1);
  assert.ok(process.memoryUsage().external - before < 1.5 * sizeBytes);
  mapping.close();
  assert.ok(process.memoryUsage().external - before < 0.5 * sizeBytes);
});

test("Mapping answers the system's refusal with its code and the path", { skip: skip || process.platform !== 'linux' }, (t) => {
  const directory = new Descriptor(tmpdir(), constants.O_RDONLY, { action: 'open', access: 'read' });
  t.after(() => directory.release());
  assert.throws(() => new Mapping(directory, 4096), { code: 'Io', message: /^Cannot map 4096 bytes: ENODEV .*, path is / });
});

test('Without native code NodeIo reads by position, and a demand for mappings or a lock is Unsupported', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'k-lani-mapping-'));
  t.after(() => rmSync(root, { recursive: true }));
  const code = `
    import { NodeIo } from ${JSON.stringify(NODE_IO)};
    import { mappingAvailable } from ${JSON.stringify(MAPPING)};
    const codeOf = (call) => { try { call(); return 'none'; } catch (error) { return error.code; } };
    const directory = new NodeIo().openDirectory(process.argv[1], { create: false });
    const file = directory.createFile('file');
    file.write(Uint8Array.of(1, 2, 3), 0);
    const view = file.openView();
    const value = view.bytes[view.at(2, 1)];
    console.log(mappingAvailable(), value, codeOf(() => directory.acquireLock()), codeOf(() => new NodeIo({ mapping: true })));`;
  const child = spawnSync(process.execPath, ['--no-addons', '--input-type=module', '--eval', code, root], { encoding: 'utf8' });
  assert.equal(child.stderr, '');
  assert.equal(child.stdout, 'false 3 Unsupported Unsupported\n');
});

function openFile(t: TestContext, content: Uint8Array): Descriptor {
  const root = mkdtempSync(join(tmpdir(), 'k-lani-mapping-'));
  writeFileSync(join(root, 'file'), content);
  const descriptor = new Descriptor(join(root, 'file'), constants.O_RDONLY, { action: 'open', access: 'read' });
  t.after(() => {
    descriptor.release();
    rmSync(root, { recursive: true });
  });
  return descriptor;
}
