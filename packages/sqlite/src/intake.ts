import type { Slice } from './slice.ts';
import type { Draft, Writer } from './writer.ts';

// Takes in writes that arrive slice by slice. Slices go into the tables as they come, so that writing overlaps with what the
// caller's thread does for the next one; but nobody is to wait for a caller that has other things to do. So whenever another
// request comes first, or no slice for a while, what is not complete is taken back, and written as a whole at the end.

export interface Intake {
  /**
   * Resolves to true when the write of this call is done, and to false while slices of it are to come. Rejects after the last
   * one only; then nothing of the write is there.
   */
  take(call: number, slice: Slice, last: boolean): Promise<boolean>;
  /** Leaves the database to others until the last slice is there. */
  pause(): void;
}

/** While this much is waited for, other processes wait, too. */
const patienceMs = 20;

/** `onStall` is called when the next slice is late; it should come back with `pause`, when nothing else is under way. */
export function createIntake(open: () => Promise<Writer>, onStall: () => void): Intake {
  let write: { readonly call: number; readonly slices: Slice[]; draft: Draft | undefined } | undefined;
  let stall: NodeJS.Timeout | undefined;

  /** What goes wrong with a draft goes wrong again with the whole, and is reported then. */
  async function begin(): Promise<Draft | undefined> {
    try {
      return (await open()).begin({ patient: false });
    } catch {
      return undefined;
    }
  }

  function pause(): void {
    try {
      write?.draft?.takeBack();
    } catch {}
    if (write !== undefined) {
      write.draft = undefined;
    }
  }

  return {
    pause,
    async take(call, slice, last) {
      clearTimeout(stall);
      if (write?.call !== call) {
        pause();
        write = { call, slices: [], draft: last ? undefined : await begin() };
      }
      write.slices.push(slice);
      try {
        write.draft?.add(slice);
      } catch {
        pause();
      }
      const { slices, draft } = write;
      if (!last) {
        if (draft !== undefined) {
          stall = setTimeout(onStall, patienceMs);
        }
        return false;
      }
      write = undefined;
      if (draft === undefined) {
        (await open()).write(slices);
      } else {
        draft.commit();
      }
      return true;
    },
  };
}
