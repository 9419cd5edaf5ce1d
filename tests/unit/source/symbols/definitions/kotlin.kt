package zoo.cages // class NotThis

import kotlin.math.max

const val LIMIT = 3

/** A cage. fun notThis() {} */
@Serializable
data class Cage<T>(val size: Int, var door: String = "fun x() {}") : Place() {
    var ajar = false
    val doubled: Int
        get() = size * 2

    constructor(size: Int) : this(size, "wood") {
        ajar = true
    }

    init {
        check(size > 0)
    }

    // One of two.
    @Override
    fun feed(food: String) {
        val chew = { bites: Int -> bites }
        fun swallow() {}
    }

    fun feed(amount: Int) = amount

    companion object {
        fun make() = Cage<Int>(1)
    }

    enum class Sign {
        RED,
        GREEN {
            override fun show() {}
        };

        open fun show() {}
    }

    interface Keeper {
        fun clean()
    }
}

object Gate {
    fun shut() = """
        fun inText() {}
    """
}

typealias Cages = List<Cage<Int>>

fun Cage<Int>.wash(times: Int) = times
fun String.roar() {}
val String.loud: String get() = this
val count = { animals: Int -> animals }
val weigh = fun(kilos: Int) = kilos

fun `opens at nine. Always`() {}

class Torn {
    fun fine() {}
    fun broken(a: {
}

fun after() {}
