"""Says how many bytes of code and of data modules have."""
import sys


def number(contents, place):
    value = shift = 0
    while True:
        byte = contents[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, place


total = 0
for path in sys.argv[1:]:
    contents = open(path, "rb").read()
    place = 8
    while place < len(contents):
        section = contents[place]
        size, place = number(contents, place + 1)
        if section in (10, 11):
            total += size
        place += size
print(total)
