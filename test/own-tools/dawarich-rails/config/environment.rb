require_relative "application"
Dawarich.initialize!
