class AddVisitIdToPoints < ActiveRecord::Migration[6.1]
  def change
    add_reference :points, :visit, foreign_key: true
  end
end
