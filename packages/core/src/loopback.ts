/** Whether a host, as `new URL()` names it, can be no other machine than this one: what is sent there needs no encryption. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
