// What the C++ program and its library share: classes with virtual functions, objects with constructors and destructors.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace shapes {

struct Shape {
  Shape(std::string name);
  virtual ~Shape();
  virtual double area() const = 0;
  virtual std::string describe() const;
  const std::string &name() const { return label; }

protected:
  std::string label;
};

struct Square : Shape {
  explicit Square(double side);
  double area() const override;
  double side;
};

// Destroyed after main.
struct Journal {
  explicit Journal(const char *owner);
  ~Journal();
  void note(const std::string &line);
  std::vector<std::string> lines;
  const char *owner;
};

extern Journal journal;
extern int alive;

inline int &shared_counter() {
  static int counter = 5;
  return ++counter;
}

int library_counter();
std::map<std::string, double> total(const std::vector<Shape *> &all);

template <typename T> T largest(const std::vector<T> &values) {
  T result = values.front();
  for (const T &value : values)
    if (result < value) result = value;
  return result;
}

} // namespace shapes
