class AddOwntracksPointsData < ActiveRecord::Migration[6.1]
  CONNECTIONS = { "m" => 0, "w" => 1, "o" => 2 }.freeze

  # Columns are written, and no model is asked.
  def up
    Point.of_owntracks.each do |point|
      report = point.raw_data
      values = Point.reported(report).merge(battery_status: report["bs"] || 0)
      point.update_columns(values.except(:connection))
      Point.where(id: point.id).update_all(["connection = ?", CONNECTIONS.fetch(report["conn"], 4)])
    end
  end
end
