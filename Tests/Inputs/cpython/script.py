import collections
import hashlib
import json
import math
import re
import sys


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __repr__(self):
        return f"Point({self.x}, {self.y})"


def fibonacci():
    one, other = 0, 1
    while True:
        yield one
        one, other = other, one + other


numbers = fibonacci()
print([next(numbers) for _ in range(12)])
print(json.dumps({"point": repr(Point(1, 2)), "pi": round(math.pi, 6)}, sort_keys=True))
print(re.sub(r"(\w+) (\w+)", r"\2 \1", "hello world"), collections.Counter("abracadabra").most_common(2))
try:
    print(1 // 0)
except ZeroDivisionError as error:
    print("caught:", error)
print(2**200, sorted({"b": 1, "a": 2}), sys.argv[1:])
print(hashlib.sha256(b"solder").hexdigest(), "%.3f" % math.fsum([0.1] * 10))
