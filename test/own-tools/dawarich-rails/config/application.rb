# As much of Rails as its migrator asks for: Active Record, two models, and the database that DATABASE_URL names.
require "logger"
require "rails"
require "active_record/railtie"

class Dawarich < Rails::Application
  # Which folders a release ships: each holds what that release brings.
  SCHEMA = {
    "0.3.2" => %w[0.3.2],
    "0.4.0" => %w[0.3.2 0.4.0],
    "0.6.0" => %w[0.3.2 0.4.0],
    "0.7.0" => %w[0.3.2 0.4.0],
    "0.11.1" => %w[0.3.2 0.4.0 0.11.1],
    "0.11.1 mended" => %w[0.3.2 0.4.0 0.11.1]
  }.freeze
  DATA = {
    "0.3.2" => [],
    "0.4.0" => %w[0.4.0],
    "0.6.0" => %w[0.4.0],
    "0.7.0" => %w[0.4.0],
    "0.11.1" => %w[0.4.0 0.11.1],
    "0.11.1 mended" => %w[0.4.0 0.11.1-mended]
  }.freeze

  def self.folders(kind, of)
    of.fetch(ENV.fetch("RELEASE")).map { |release| File.expand_path("../db/#{kind}/#{release}", __dir__) }
  end

  config.load_defaults 6.1
  config.root = File.expand_path("..", __dir__)
  config.eager_load = false
  config.secret_key_base = "of a throwaway database"
  config.logger = Logger.new(File::NULL)
  config.active_record.dump_schema_after_migration = false
  config.paths["db/migrate"] = folders("migrate", SCHEMA)
end

