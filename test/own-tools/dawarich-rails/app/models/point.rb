# As 0.9.0 made it stricter than the schema: a point must have a user.
class Point < ApplicationRecord
  belongs_to :user
  belongs_to :import, optional: true
  enum battery_status: { unknown: 0, unplugged: 1, charging: 2, full: 3 }, _suffix: true
  enum connection: { mobile: 0, wifi: 1, offline: 2 }, _suffix: true

  # Points of an OwnTracks import, and all others that look like a report of OwnTracks.
  def self.of_owntracks
    where(import_id: Import.owntracks.select(:id)).or(where("raw_data ?& array['m', 'acc']")).order(:id)
  end

  # What a phone reports, as columns.
  def self.reported(report)
    {
      accuracy: report["acc"],
      altitude: report["alt"],
      battery: report["batt"],
      battery_status: %w[unknown unplugged charging full][report["bs"] || 0],
      connection: { "m" => "mobile", "w" => "wifi", "o" => "offline" }.fetch(report["conn"], "unknown"),
      tracker_id: report["tid"],
      velocity: report["vel"]&.to_s
    }
  end
end
