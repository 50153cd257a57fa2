class AddUserIdToPoints < ActiveRecord::Migration[6.1]
  # Nullable, and never made NOT NULL later: what the model demands from 0.9.0 on, the schema does not.
  def change
    add_reference :points, :user, foreign_key: true
  end
end
