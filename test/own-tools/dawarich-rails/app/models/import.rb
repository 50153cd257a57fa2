class Import < ApplicationRecord
  enum source: { google_semantic_history: 0, owntracks: 1, google_records: 2 }
  has_many :points
end
