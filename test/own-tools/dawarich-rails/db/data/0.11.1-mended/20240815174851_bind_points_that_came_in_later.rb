class BindPointsThatCameInLater < ActiveRecord::Migration[6.1]
  # To the only user there is; with two, nobody can tell.
  def up
    Point.where(user_id: nil).update_all(user_id: User.first.id) if User.count == 1
  end
end
