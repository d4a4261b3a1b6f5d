/** The largest row id. Ids are integers from 1; 0 in stored words means that there is no row. */
export const ROW_ID_MAX = 0xffff_fffe;
