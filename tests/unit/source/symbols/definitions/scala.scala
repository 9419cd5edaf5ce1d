package mill.stones // class NotThis

import scala.util.Try

/** A mill. def notThis = 1 */
@deprecated("class Text", "1")
class Mill[T](val size: Int) extends Building {
  val wheels = 2
  var turning = false
  lazy val faster = (by: Int) => by + 1
  type Grain = T

  // One of two.
  def grind(grain: Int): Int = {
    val crush = (stones: Int) => stones
    def sift(flour: Int) = flour
    sift(crush(grain))
  }

  def grind(grain: String): Int = 1
  def <+>(other: Mill[T]) = this

  class Sack {
    def fill() = """
      def inText = 1
    """
  }
}

object Mill {
  def apply(size: Int) = new Mill[Int](size)
}

trait Miller {
  def work(): Unit
  val wage: Int
}

case class Flour(weight: Int)

enum Grade {
  case Fine, Coarse
}

given order: Ordering[Flour] with {
  def compare(a: Flour, b: Flour) = 0
}

extension (text: String) def bake = text

package ovens {
  class Oven {
    def heat = 1
  }
}

def bare(a: Int) = a
val count = 3

class Torn {
  def fine = 1
  def broken(a: = {
}

class After {
  def fine = 1
}
