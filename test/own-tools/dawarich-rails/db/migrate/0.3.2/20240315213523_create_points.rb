class CreatePoints < ActiveRecord::Migration[6.1]
  def change
    create_table :points do |t|
      t.integer :battery_status
      t.integer :battery
      t.string :tracker_id
      t.integer :altitude
      t.decimal :longitude, precision: 10, scale: 6
      t.decimal :latitude, precision: 10, scale: 6
      t.string :velocity
      t.integer :connection
      t.integer :accuracy
      t.integer :timestamp
      t.jsonb :raw_data, default: {}
      t.bigint :import_id
    end
  end
end
