"""Numbers as WebAssembly writes them."""


def number(data, place):
    """The unsigned number at a place, and where it ends."""
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, place
