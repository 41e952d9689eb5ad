import { DummyDriver, Kysely, type SchemaModule, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';

/** Builds statements without running them. */
export const schema: SchemaModule = new Kysely<never>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
}).schema;
