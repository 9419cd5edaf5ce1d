import Foundation // class NotThis {}

let limit = 3

/// A boat. func notThis() {}
@objc
public class Boat<T>: Vessel {
    var length = 1
    var doubled: Int {
        return length * 2
    }
    lazy var steer = { (angle: Int) in
        angle
    }

    init(length: Int) {
        self.length = length
    }

    deinit {}

    // One of two.
    @discardableResult
    func row(_ strokes: Int) -> Int {
        let pull = { (one: Int) in one }
        func push() {}
        return pull(strokes)
    }

    func row(hard: Bool) {}

    subscript(place: Int) -> Int { place }

    static func == (left: Boat, right: Boat) -> Bool { true }

    struct Oar {
        func bend() {}
    }
}

enum Wind {
    case north
    case south(Int)
    func blow() {}
}

extension Boat: Named {
    func name() -> String {
        """
        func inText() {}
        """
    }
}

extension Harbour.Pier {
    func moor() {}
}

protocol Named {
    func name() -> String
    var short: String { get }
}

typealias Fleet = [Boat<Int>]
actor Captain {
    func order() {}
}
let shout = { (word: String) in word }
func sink(_ boat: Int) {}

class Torn {
    func fine() {}
    func broken(a: {
}

func after() {}
