#include "shapes.h"

#include <cstdio>
#include <memory>

using namespace shapes;

// A class of the program below a class of the library, and the other way round by virtual calls.
struct Circle : Shape {
  explicit Circle(double radius) : Shape("circle"), radius(radius) {}
  double area() const override { return radius * radius * 3; }
  std::string describe() const override { return "round " + Shape::describe(); }
  double radius;
};

static Journal own("the program");

int main() {
  std::vector<std::unique_ptr<Shape>> shapes;
  shapes.push_back(std::make_unique<Square>(2));
  shapes.push_back(std::make_unique<Circle>(3));
  shapes.push_back(std::make_unique<Square>(1.5));
  std::vector<Shape *> all;
  for (auto &shape : shapes) {
    std::puts(shape->describe().c_str());
    all.push_back(shape.get());
  }
  for (auto &[name, sum] : total(all)) std::printf("%s: %.3f\n", name.c_str(), sum);
  std::printf("alive %d\n", alive);
  shapes.clear();
  std::printf("alive %d, counters %d %d %d\n", alive, shared_counter(), library_counter(), shared_counter());
  std::puts(largest(journal.lines).c_str());
  own.note("done");
  return 0;
}
