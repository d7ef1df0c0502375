// A program that leans on libc++: streams, maps, regular expressions, function objects, and objects with constructors.
#include <algorithm>
#include <functional>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Tracer {
  explicit Tracer(std::string name) : name(std::move(name)) { std::cout << this->name << " opens\n"; }
  ~Tracer() { std::cout << name << " closes\n"; }
  std::string name;
};

Tracer first("first");
const Tracer second("second");

template <typename Key, typename Value> std::ostream &operator<<(std::ostream &out, const std::map<Key, Value> &map) {
  for (const auto &[key, value] : map) out << std::left << std::setw(12) << key << value << '\n';
  return out;
}

const std::string text = "A linker takes objects (main.o, util.o) and archives (libc.a); "
                         "it resolves symbols, lays out 65536 bytes of memory at 0x400, and writes 1 module: a.wasm.";

} // namespace

int main() {
  std::map<std::string, int> counts;
  const std::regex word("[A-Za-z_]+[.][a-z]+|[0-9]+|0x[0-9a-f]+");
  for (std::sregex_iterator match(text.begin(), text.end(), word), end; match != end; ++match) counts[match->str()]++;
  std::cout << counts;

  std::smatch parts;
  if (std::regex_search(text, parts, std::regex("([a-z]+) [(]([^)]*)[)]")))
    std::cout << parts.size() << " parts: " << parts[1] << " = " << parts[2] << '\n';
  std::cout << std::regex_replace(text, std::regex("([a-z]+)[.](o|a)\\b"), "<$1>") << '\n';

  std::vector<std::function<double(double)>> steps = {
      [](double x) { return x * 1.5; },
      [shift = counts.size()](double x) { return x + shift; },
  };
  double value = 2;
  for (const auto &step : steps) value = step(value);
  std::ostringstream out;
  out << std::hex << std::showbase << 48879 << ' ' << std::dec << std::fixed << std::setprecision(3) << value;
  std::cout << out.str() << '\n';

  std::istringstream in("3 1 2 oops");
  std::vector<int> numbers;
  for (int number; in >> number;) numbers.push_back(number);
  std::sort(numbers.begin(), numbers.end(), std::greater<>());
  auto shared = std::make_shared<Tracer>("third");
  for (int number : numbers) std::cout << number << (shared.use_count() == 1 ? " " : "?");
  std::cout << in.fail() << std::endl;
  return 0;
}
