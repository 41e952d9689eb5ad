/** Prints on stdout; that its reader has had enough, such as `head`, is no failure. Rejects where there is no room for it. */
export function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // The stream says it, too; unheard, that would end the process.
    process.stdout.once('error', () => {});
    process.stdout.write(text, (error) => {
      if (error && (error as NodeJS.ErrnoException).code !== 'EPIPE') {
        reject(error);
      } else {
        resolve();
      }
    });
  });
}
