import { command } from "migration-sandbox";
import { ran, whyNotRun } from "./programs.ts";
import type { Tool } from "./tool.ts";

export const rails: Tool = {
  title: "Rails",
  engines: ["postgres"],
  program: { name: "rails", whyNot: () => whyNotRun("rails", ["--version"]) },
  only: ["releases", "fails"],
  files: (links) => ({
    "config/application.rb": `require "logger"
require "rails"
require "active_record/railtie"

class Shop < Rails::Application
  config.load_defaults 6.1
  config.root = File.expand_path("..", __dir__)
  config.eager_load = false
  config.secret_key_base = "of a throwaway database"
  config.logger = Logger.new(File::NULL)
  config.active_record.dump_schema_after_migration = false
end
`,
    "config/environment.rb": `require_relative "application"\nShop.initialize!\n`,
    Rakefile: `require_relative "config/application"\nRails.application.load_tasks\n`,
    "bin/rails": `#!/usr/bin/env ruby\nAPP_PATH = File.expand_path("../config/application", __dir__)\ngem "railties"\nrequire "rails/commands"\n`,
    ...Object.fromEntries(
      links.map((link) => {
        const says = link.says.map((sql) => `    execute <<~'SQL'\n      ${sql}\n    SQL\n`).join("");
        const alone = link.alone ? "  disable_ddl_transaction!\n" : "";
        const text = `class M${link.number} < ActiveRecord::Migration[6.1]\n${alone}  def up\n${says}  end\nend\n`;
        return [`db/migrate/${20_260_131_000_000 + link.number}_m${link.number}.rb`, text];
      }),
    ),
  }),
  ours: (cwd) => command("rails", ["db:migrate"], { cwd, env: { DATABASE_URL: "{rails}" } }),
  run: ({ address: { host, port, user, password, database } }, cwd) =>
    ran("rails", ["db:migrate"], {
      cwd,
      env: { DATABASE_URL: `postgresql://${user}:${password}@${host}:${port}/${database}` },
    }),
  passing: ["created_at", "updated_at"],
  outcomes: { fails: { fails: "23505" } },
};
