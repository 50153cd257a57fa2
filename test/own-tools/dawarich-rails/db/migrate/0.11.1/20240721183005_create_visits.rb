class CreateVisits < ActiveRecord::Migration[6.1]
  def change
    create_table :visits do |t|
      t.references :user, null: false, foreign_key: true
      t.integer :started_at, null: false
      t.integer :ended_at, null: false
      t.string :name, null: false
    end
  end
end
