class CreateImports < ActiveRecord::Migration[6.1]
  def change
    create_table :imports do |t|
      t.string :name, null: false
      t.bigint :user_id, null: false
      t.integer :source, null: false, default: 0
    end
  end
end
