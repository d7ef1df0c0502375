#include "shapes.h"

#include <cstdio>

namespace shapes {

int alive = 0;
Journal journal("the library");

Shape::Shape(std::string name) : label(std::move(name)) {
  alive++;
  journal.note("made " + label);
}
Shape::~Shape() { alive--; }
std::string Shape::describe() const { return label + " of area " + std::to_string(area()); }

Square::Square(double side) : Shape("square"), side(side) {}
double Square::area() const { return side * side; }

Journal::Journal(const char *owner) : owner(owner) { std::printf("journal of %s opens\n", owner); }
Journal::~Journal() { std::printf("journal of %s closes with %zu lines\n", owner, lines.size()); }
void Journal::note(const std::string &line) { lines.push_back(line); }

int library_counter() { return shared_counter(); }

std::map<std::string, double> total(const std::vector<Shape *> &all) {
  std::map<std::string, double> sums;
  for (const Shape *shape : all) sums[shape->name()] += shape->area();
  sums["largest"] = largest(std::vector<double>{1, 7, 3});
  return sums;
}

} // namespace shapes
