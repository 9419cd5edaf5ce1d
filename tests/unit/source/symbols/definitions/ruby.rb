# Bees. def not_this; end
require "set"

LIMIT = 3

# A hive.
module Hive
  class Honey::Comb < Base
    WAX = 1
    attr_reader :cells

    Cell = Struct.new(:size) do
      def full?
        true
      end
    end

    # Makes one.
    def self.build
      new
    end

    def initialize(cells)
      fill = ->(one) { one }
      @cells = fill.call(cells)
    end

    def cells=(value)
      text = <<~TEXT
        def in_heredoc
        end
      TEXT
      @cells = value || text
    end

    def ==(other) = true

    class << self
      def empty
        []
      end
    end

    private def secret
      "class InString; end"
    end

    define_method(:buzz) do |times|
      times
    end

    RANK = lambda { |bee| bee }
    order = proc { |bee| bee }
  end

  def Hive.open
  end
end

def swarm
end

class Torn
  def fine
  end

  def broken(
  end

def after
end
