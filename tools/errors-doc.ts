/** Writes `docs/errors.md` from the one table of errors: `node tools/errors-doc.ts`. A test holds the document to the table. */
import { writeFileSync } from 'node:fs';
import { errorCodes, ERRORS, type Retry } from '@k-lani/protocol';

const TARGET = new URL('../docs/errors.md', import.meta.url);

const RETRY_MEANINGS: Readonly<Record<Retry, string>> = {
  never: 'nothing was changed, and the same request will be refused again',
  safe: 'nothing was changed, and asking again can help, after `retryAfterMs` where the error has it',
  unknown: 'the change may have happened: ask `operationStatus`, or send the same request again with the same operation id',
};

/** The text of `docs/errors.md`. */
export function errorsDocument(): string {
  const retries = Object.entries(RETRY_MEANINGS).map(([retry, meaning]) => `- **${retry}**: ${meaning}.`);
  const errors = errorCodes().map((code) => {
    const { number, retry, meaning, remedy } = ERRORS[code];
    return `## ${numberText(number)} ${code}\n\n${meaning}\n\n- Ask again: ${retry}\n- What to do: ${remedy}`;
  });
  return `# Errors

<!-- Made by tools/errors-doc.ts from packages/protocol/src/errors.ts: change it there. -->

Everything that k-lani refuses is a \`KLaniError\`. Compare its \`code\`, never its message: a message is for people, says what failed, the
value and the bound, and may change. On the wire an error is its number (the status of an answer) and the message.

An error also says whether to ask again (\`retry\`):

${retries.join('\n')}

Numbers below 0100 are those of the published engine; k-lani's own begin there. A number is never given to another meaning, so a number that a
client does not know came from a newer server.

${errors.join('\n\n')}
`;
}

/** A number as documents show it: 0031. */
export function numberText(number: number): string {
  return String(number).padStart(4, '0');
}

if (import.meta.main) writeFileSync(TARGET, errorsDocument());
