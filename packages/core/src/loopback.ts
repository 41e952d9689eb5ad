/** Whether a host, as `new URL()` spells it, can only be this machine, so that what is sent there needs no encryption. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
