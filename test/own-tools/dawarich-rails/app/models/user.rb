class User < ApplicationRecord
  has_many :points
end
