import { mysqlLike } from "./mysql.ts";
import { mariadbDialect } from "./mysql-dialect.ts";

export const mariadb = mysqlLike(mariadbDialect);
