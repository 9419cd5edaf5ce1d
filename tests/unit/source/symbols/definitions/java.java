package harbour.ships; // class NotThis {}

import java.util.function.Function;

/** A ship. void notThis() {} */
@Entity
@Table(name = "class X {}")
public class Ship<T> extends Vessel {
  private int length, width = 4;
  private final Function<Integer, Integer> twice = one -> one * 2;

  static {
    load();
  }

  public Ship(int length) {
    this.length = length;
  }

  public Ship() {}

  // One of two.
  @Override
  public void sail(int knots) {
    Function<Integer, Integer> tack = wind -> wind + 1;
    class Local {
      void inLocal() {}
    }
  }

  public void sail(String where) {}

  enum Flag {
    RED,
    GREEN {
      @Override
      void hoist() {}
    };

    void hoist() {}
  }

  interface Crew {
    int SIZE = 3;

    void work();
  }

  record Port(String name) {
    Port {
      check(name);
    }
  }

  @interface Checked {
    int times() default 1;
  }
}

class Wreck {
  void whole() {}

  void torn(int {
}

class After {
  void fine() {}
}
