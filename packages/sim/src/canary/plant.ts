/**
 * Plants a canary into the process that is started with it: `node --import './plant.ts?NAME' …`. Its threads have it, too. The module that
 * it concerns is changed as it is loaded; without this import nothing is.
 */
import { registerHooks } from 'node:module';
import { canaryNamed, planted } from './canaries.ts';

const ROOT = new URL('../../../../', import.meta.url);

const canary = canaryNamed(decodeURIComponent(new URL(import.meta.url).search.slice(1)));
const target = new URL(canary.file, ROOT).href;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (url !== target) return loaded;
    const { source } = loaded;
    if (source === undefined) throw new TypeError(`Cannot plant canary ${canary.name}: ${url} has no source`);
    return { ...loaded, source: planted(typeof source === 'string' ? source : new TextDecoder().decode(source), canary) };
  },
});
