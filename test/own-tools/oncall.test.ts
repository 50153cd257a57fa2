import { command } from "migration-sandbox";
import columnDroppedOnAJump from "../../scenarios/oncall/column-dropped-on-a-jump.ts";
import { retoldBy } from "./retold.ts";

const migrate = command("django-admin", ["migrate", "--no-input", "--pythonpath", ".", "--settings", "settings"], {
  cwd: new URL("./oncall-django/", import.meta.url),
  env: {
    RELEASE: "{release}",
    SANDBOX_ENGINE: "{engine}",
    SANDBOX_HOST: "{host}",
    SANDBOX_PORT: "{port}",
    SANDBOX_USER: "{user}",
    SANDBOX_PASSWORD: "{password}",
    SANDBOX_DATABASE: "{database}",
    PYTHONDONTWRITEBYTECODE: "1",
  },
});

await retoldBy("django", {
  scenario: columnDroppedOnAJump,
  migrations: Object.fromEntries(columnDroppedOnAJump.chain.map(({ name }) => [name, migrate])),
  paths: { postgres: [1, 5, 6, 7, 10, 14, 16, 19], mariadb: [6, 7, 10, 19] },
  // Django knows that the column is gone without asking the database: it has followed the migrations.
  errors: { FieldError: { postgres: "42703", mariadb: 1054 } },
});
