/** Whether an error of the file system says that there is no room: on the disk, in a quota, or in a file that may not grow. */
export function isDiskFull(error: unknown): boolean {
  return /^(ENOSPC|EDQUOT|EFBIG)$/.test(Object(error).code);
}
