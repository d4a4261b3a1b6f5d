import { readFileSync } from 'node:fs';

/** A user of this machine. */
export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Who runs a server that does not want to be run by root; undefined where that is whoever runs this. */
export function serverUser(
  names: readonly string[],
  passwd = readFileSync('/etc/passwd', 'utf8'),
  uid = process.getuid?.(),
): User | undefined {
  if (uid !== 0 || names.length === 0) return undefined;
  for (const wanted of [...names, 'nobody']) {
    const [name, , user, group] =
      passwd
        .split('\n')
        .find((line) => line.startsWith(`${wanted}:`))
        ?.split(':') ?? [];
    if (name !== undefined) return { name, uid: Number(user), gid: Number(group) };
  }
  throw new Error(`Cannot start the server as root: there is no user ${names.join(', ')} or nobody`);
}
