import type { Database } from "../database.ts";
import type { Transaction } from "./engine.ts";

/** A transaction of Knex's own, over a Knex that speaks to one session alone and is ended with it. */
export async function transactionOf(db: Database): Promise<Transaction> {
  const transaction = await db.transaction();
  const done = () => db.destroy();
  return {
    db: transaction,
    async commit() {
      if (transaction.isCompleted()) throw new Error("The migration ended the transaction that it was handed");
      try {
        await transaction.commit();
        await transaction.executionPromise; // Here, not there, Knex tells of a COMMIT that was refused.
      } finally {
        await done();
      }
    },
    async rollback() {
      await transaction.rollback().finally(done);
    },
  };
}
