/** Every resource is returned at the end: a process that has closed its database holds no file, view, lock or session, and has nothing planned. */
import type { Checker, Leftovers } from '../record/evidence.ts';

const KINDS: readonly (keyof Omit<Leftovers, 'process'>)[] = ['files', 'views', 'locks', 'sessions', 'events'];

export const resources: Checker = {
  name: 'resources',
  check({ leftovers }, report) {
    let checks = 0;
    for (const left of leftovers) {
      for (const kind of KINDS) {
        checks += 1;
        if (left[kind] !== 0) report(`${left.process} has closed, and has ${left[kind]} ${kind} left`);
      }
    }
    return checks;
  },
};
