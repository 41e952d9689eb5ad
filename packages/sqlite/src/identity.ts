/** Marks a file as ours (`PRAGMA application_id`): the letters `TwAn`. */
export const applicationId = 0x5477_416e;
/** The number of migrations that this version knows (`PRAGMA user_version`). */
export const schemaVersion = 1;
