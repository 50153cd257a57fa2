class AddOwntracksPointsData < ActiveRecord::Migration[6.1]
  # The trap: old rows are saved through the model of today.
  def up
    Point.of_owntracks.each { |point| point.update!(Point.reported(point.raw_data)) }
  end
end
