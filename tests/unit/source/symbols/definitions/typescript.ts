import { Injectable } from "somewhere"; // function notThis() {}

/** A gate. class NotThis {} */
@Injectable({ scope: "root" })
export class Gate<T> extends Door {
  private width: number = 1;
  open = (angle: number) => angle > 0;

  constructor(private readonly hinge: T) {
    super();
  }

  // The two signatures and the body are one method.
  swing(to: string): void;
  swing(to: number): void;
  @Log()
  swing(to: any) {
    const push = () => `function inTemplate() {}`;
    return push();
  }

  get state(): string {
    return "class InString {}";
  }

  static #secret() {}
}

export function walk(a: string): void;
export function walk(a: number): void;
export function walk(a: any) {
  function step() {}
  step();
}

export const climb = async (wall: Wall) => {
  await wall;
};

const limit = 5;
const handlers = {
  enter() {},
  leave: () => {},
  size: 3,
};

export interface Wall {
  height: number;
  paint(colour: string): void;
  onCrack: (where: number) => void;
}
type Stone = { weight: number };
export enum Colour {
  Grey,
}
abstract class Tower {
  abstract height(): number;
}
namespace Castle.Yard {
  const wells = 2;
  export function dig() {}
}
declare function ring(bell: string): void;
export default function () {
  return 1;
}

describe("gate", () => {
  it("swings", () => {});
});

class Cracked {
  fine() {}
  broken( {
}
function after() {}
