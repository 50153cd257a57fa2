class BindExistingPointsToFirstUser < ActiveRecord::Migration[6.1]
  def up
    user = User.order(:id).first
    Point.where(user_id: nil).update_all(user_id: user.id) if user
  end
end
