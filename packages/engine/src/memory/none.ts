/** What a search of row ids returns when there is no row: row ids are positive. */
export const NONE = -1;
