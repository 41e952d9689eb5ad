import type { Answer } from './answers/answers.ts';
import { setAside } from './damage.ts';
import { type Connection, type DatabaseConfig, openExisting, openForWriting } from './database.ts';
import { loadDriver } from './driver.ts';
import { type Failure, isDamage, isLost } from './failure.ts';
import { fileAt, isCutOff, realPath } from './file.ts';
import { truncateLog } from './store/log.ts';
import type { Writer } from './writer.ts';

/** The single connection of a thread, as long as its file exists and is sound. */
export interface Held {
  /** Returns the connection; a new one if there is none, or if its file was replaced, so that no writes go to a deleted file. */
  open(options?: { readonly thorough?: boolean }): Promise<OpenDatabase>;
  /** Whether the file of an open connection was deleted or replaced. */
  isReplaced(): boolean;
  /** The connection, if one is open. */
  current(): OpenDatabase | undefined;
  close(): void;
  /** Closes the connection after an error if that helps. Returns what the error means if the database was set aside. */
  recover(error: unknown): Failure | undefined;
}

export interface OpenDatabase {
  readonly db: Connection;
  /** Created on first use, like `answer`. */
  writer?: Writer;
  answer?: Answer;
  /** Identifies the open file, whatever its path leads to by now. */
  readonly file: string;
  /** Its path without symbolic links. */
  readonly realPath: string;
}

export interface HeldConfig extends DatabaseConfig {
  /** A `reader` only opens what a `writer` has created, and writes nothing. */
  readonly role: 'writer' | 'reader';
}

export function createHeld(config: HeldConfig, onNotice: (notice: Failure) => void): Held {
  const { path, role } = config;
  let store: OpenDatabase | undefined;

  const isReplaced = (): boolean => store !== undefined && store.file !== fileAt(path);

  function close(): void {
    store?.db.close();
    store = undefined;
  }

  /** Sets aside a damaged file. As we had it open, it is ours, whatever it contains by now. */
  function giveUp(error: unknown): Failure {
    const { file } = store as OpenDatabase;
    try {
      const notice = setAside(path, file, error);
      if (notice === undefined) {
        return {
          code: 'BACKEND_UNAVAILABLE',
          message: `${path} was damaged, and has been set aside by another process`,
        };
      }
      onNotice(notice);
      return notice;
    } finally {
      close();
    }
  }

  /** Closes the connection if others would open something else. */
  function look({ db, realPath }: OpenDatabase): void {
    if (isReplaced()) {
      close();
      if (role === 'writer') {
        onNotice(replacedFailure(path));
      }
    } else if (isCutOff(path)) {
      if (role === 'writer') {
        giveUp(new Error('it was emptied'));
      } else {
        close();
      }
    } else if (path !== ':memory:' && fileAt(`${realPath}-wal`) === 'none') {
      if (role === 'writer') {
        // The log has been unlinked: move its content into the file while it can still be read.
        truncateLog(db);
      }
      close();
    }
  }

  return {
    isReplaced,
    close,
    current: () => store,
    async open({ thorough = false } = {}) {
      if (store !== undefined) {
        look(store);
      }
      if (store === undefined || (thorough && path !== ':memory:')) {
        close();
        const connect = await loadDriver();
        const db =
          role === 'writer'
            ? await openForWriting(connect, config, { thorough, onNotice })
            : openExisting(connect, config, true);
        store = { db, file: fileAt(path), realPath: realPath(path) };
      }
      return store;
    },
    recover(error) {
      if (store === undefined || path === ':memory:') {
        return undefined;
      }
      if (isDamage(error) && role === 'writer' && !isReplaced()) {
        return giveUp(error);
      }
      if (isDamage(error) || isLost(error)) {
        close();
      }
      return undefined;
    },
  };
}

export function replacedFailure(path: string): Failure {
  const message = `${path} was deleted or replaced; the file that is there now is used, or a new one is started; what only the old one held is lost`;
  return { code: 'BACKEND_UNAVAILABLE', message };
}
