/** Prints to stdout. A reader that stops early, such as `head`, is no failure. Rejects if the output cannot be written. */
export function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // The stream also emits the error, which would end the process if nobody listened.
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
