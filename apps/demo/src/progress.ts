const width = 30;
const redrawMs = 50;

export interface Progress {
  /** `share` is 0 to 1. */
  update(share: number, label: string): void;
  /** Removes the bar. */
  end(): void;
}

/** Returns a progress bar that draws on a terminal only. */
export function progressBar(stream: NodeJS.WriteStream): Progress {
  let drawnAt = Number.NEGATIVE_INFINITY;
  return {
    update(share, label) {
      const now = performance.now();
      if (!stream.isTTY || now - drawnAt < redrawMs) {
        return;
      }
      drawnAt = now;
      const full = Math.round(share * width);
      const bar = '█'.repeat(full) + '░'.repeat(width - full);
      stream.write(`\r${bar} ${String(Math.round(share * 100)).padStart(3)} %  ${label}\u001b[K`);
    },
    end() {
      if (stream.isTTY) {
        stream.write('\r\u001b[K');
      }
    },
  };
}
