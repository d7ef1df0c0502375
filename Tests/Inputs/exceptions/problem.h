// What is thrown from a library to the program and the other way round. Their types are in both, as inline things are.
struct Problem {
  int code;
};
struct Other {
  int code;
};
