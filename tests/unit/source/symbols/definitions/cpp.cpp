// Bridges. class NotThis {};
#include <string>

namespace river {
namespace north::bank {

/// A bridge.
template <typename T>
class Bridge : public Path {
 public:
  Bridge();
  explicit Bridge(int length) : length_(length) {}
  virtual ~Bridge();
  [[nodiscard]] int load(int weight) const;
  int load(const std::string& what) const;
  static Bridge& nearest();
  bool operator==(const Bridge& other) const { return true; }
  operator bool() const { return true; }
  int operator()(int a) { return a; }
  int operator[](int a);

  struct Arch {
    int height = 1;
    void raise() {}
  };

 private:
  int length_, *widths_ = nullptr;
};

template <typename T>
int Bridge<T>::load(int weight) const {
  auto heavier = [](int by) { return by + 1; };
  std::string text = R"(
void inRaw() {}
)";
  return heavier(weight);
}

}  // namespace north::bank

enum class Kind { Rope, Stone };
using Length = double;
}  // namespace river

template <typename T>
bool river::north::bank::Bridge<T>::operator<(const Bridge& other) {
  return false;
}

river::Tower::~Tower() = default;
std::string& river::Tower::name() { static std::string n; return n; }
river::Tower::operator int() const { return 1; }

auto cross = [](int a) {
  return a;
};

template <typename T>
concept Solid = requires(T t) { t.weight(); };

extern "C" {
int toll(void);
}

class Torn {
  void fine() {}
  void broken(int {
};

void after() {}
