const path = require("path");

// Makes soup. function notThis() {}
function cook(pot) {
  const stir = function (spoon) {
    return spoon;
  };
  function* drops() {
    yield "class NotThis {}";
  }
  return stir(drops);
}

class Pot {
  lid = true;
  #heat = () => 1;

  static of(size) {
    return new Pot(size);
  }

  @logged
  boil() {}
  "with spaces"() {}
}

const Kettle = class extends Pot {
  whistle() {}
};

const salt = 1, pepper = () => 2;

exports.serve = function (plate) {
  return plate;
};
Pot.prototype.rinse = function () {};
Pot.clean = () => {};
module.exports = {
  taste() {},
  smell: (nose) => nose,
};
const store = create((set) => ({
  add: () => set(1),
}));

export default class {
  wash() {}
}

function torn( {
  const lost = () => {}
