# The least that does what the gem data_migrate does, which Debian does not have: migrations of data in a folder and a record
# of their own, run by Rails' own migrator under the lock that schema migrations take.
namespace :data do
  task migrate: :environment do
    record = Class.new(ActiveRecord::SchemaMigration) do
      def self.table_name
        "data_migrations"
      end
    end
    ActiveRecord::MigrationContext.new(Dawarich.folders("data", Dawarich::DATA), record).migrate
  end
end
