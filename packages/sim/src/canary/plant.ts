/**
 * Plants a canary into the process that is started with it: `node --import './plant.ts?NAME' …`. Its threads have it, too. The module that
 * it concerns is changed as it is loaded; without this import nothing is.
 */
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { canaryNamed, planted } from './canaries.ts';

const canary = canaryNamed(decodeURIComponent(new URL(import.meta.url).search.slice(1)));
const target = pathToFileURL(join(import.meta.dirname, '../../../..', canary.file)).href;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (url !== target) return loaded;
    const { source } = loaded;
    if (source === undefined) throw new TypeError(`Cannot plant canary ${canary.name}: ${url} has no source`);
    return { ...loaded, source: planted(typeof source === 'string' ? source : new TextDecoder().decode(source), canary) };
  },
});
